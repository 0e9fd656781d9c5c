/* Recurrence rules by libical: reads rules, one a line as "RULE DTSTART" (local time), expands each within [FROM, UNTIL) by the iterator's
 * own seek where the rule allows it, or whole when FROM is "-"; prints the count and nanoseconds of each round.
 *
 *   libical ROUNDS FROM UNTIL <rules        FROM, UNTIL: local times as YYYYMMDDTHHMMSS
 */
#include <libical/ical.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static long long nanoseconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return now.tv_sec * 1000000000LL + now.tv_nsec;
}

int main(int argc, char **argv)
{
    static char rules[20000][200], starts[20000][20];
    int count = 0;
    if (argc != 4)
        return 2;
    while (count < 20000 && scanf("%199s %19s", rules[count], starts[count]) == 2)
        ++count;
    const int whole = strcmp(argv[2], "-") == 0;
    const struct icaltimetype from = whole ? icaltime_null_time() : icaltime_from_string(argv[2]);
    const struct icaltimetype until = whole ? icaltime_null_time() : icaltime_from_string(argv[3]);
    for (int round = 0; round < atoi(argv[1]); ++round) {
        long long found = 0;
        const long long began = nanoseconds();
        for (int i = 0; i < count; ++i) {
            struct icalrecurrencetype rule = icalrecurrencetype_from_string(rules[i]);
            icalrecur_iterator *it = icalrecur_iterator_new(rule, icaltime_from_string(starts[i]));
            if (it == NULL)
                return 1;
            if (!whole && rule.count == 0)
                icalrecur_iterator_set_start(it, from);
            for (struct icaltimetype next = icalrecur_iterator_next(it); !icaltime_is_null_time(next); next = icalrecur_iterator_next(it)) {
                if (!whole && icaltime_compare(next, until) >= 0)
                    break;
                if (whole || icaltime_compare(next, from) >= 0)
                    ++found;
            }
            icalrecur_iterator_free(it);
        }
        printf("%lld %lld\n", found, nanoseconds() - began);
    }
    return 0;
}
