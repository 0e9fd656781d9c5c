// Itineraries: the sentences of the policy, and random diaries against trying everything.
#include <gtest/gtest.h>

#include <random>

#include "core/itinerary.hpp"
#include "support/random_clinic.hpp"
#include "support/rounds.hpp"

namespace pg_clinic::core::test {

namespace {

// A visit of several services in the clinic of the kernel's tests, with Boris beside Anna.
struct Visit {
    std::vector<Diary> diaries;
    std::vector<Step> steps;
    ItineraryRules rules;
    Interval range{utc(2026, 6, 1), utc(2026, 6, 2)};

    explicit Visit(std::size_t n) : diaries(n) {
        for (std::size_t i = 0; i < n; ++i) {
            Clinic c;
            c.add_provider(boris).hours.rules = {hours(51, here, hm(9), hm(12))};
            diaries[i] = c.diary;
            diaries[i].service.id = id(200 + static_cast<std::uint32_t>(i));
            diaries[i].patient = Patient{pat, true, {}};
        }
        for (Diary &d : diaries)
            steps.push_back({&d, {}, {}, std::nullopt});
    }
    std::vector<Itinerary> find(std::size_t max_rows = 100) {
        Work work;
        return find_itineraries(steps, rules, range, max_rows, work);
    }
    // Starts and providers of the first itinerary.
    std::string first() {
        std::string text;
        for (const Itinerary &i : find(1))
            for (const Slot &s : i.stops) {
                const std::int64_t minute = time_of_day(LocalTime{s.visit.begin.micros}).micros / micros_per_minute;
                text += (text.empty() ? "" : " ") + std::to_string(minute / 60) + ":" + std::to_string(minute % 60) +
                        (s.provider == anna ? "a" : "b") + (s.location == here ? "" : "'");
            }
        return text;
    }
    void everywhere(auto change) {
        for (Diary &d : diaries)
            change(d);
    }
};

} // namespace

TEST(Itinerary, OneAfterTheOther) {
    Visit v(2);
    EXPECT_EQ(v.first(), "9:0a 9:30a");
    v.rules.providers = ItineraryRules::Providers::different;
    EXPECT_EQ(v.first(), "9:0a 9:30b");
    v.steps[0].request.location = there;
    EXPECT_EQ(v.first(), "");
}

TEST(Itinerary, GapsAreBounded) {
    Visit v(2);
    v.steps[1].least_gap = minutes(45);
    EXPECT_EQ(v.first(), "9:0a 10:30a");
    v.steps[1].most_gap = minutes(45);
    EXPECT_EQ(v.first(), "") << "the grid has no start 45 minutes after an end";
    v.steps[1].most_gap = minutes(60);
    EXPECT_EQ(v.find().size(), 12U) << "9:00 to 10:00, two providers for each step";
}

TEST(Itinerary, EarliestEndComesBeforeLowestId) {
    Visit v(2);
    v.diaries[0].providers[0].duration = minutes(60); // Anna takes longer
    EXPECT_EQ(v.first(), "9:0b 9:30a");
}

TEST(Itinerary, BuffersOfTheSameProviderCount) {
    Visit v(2);
    v.everywhere([](Diary &d) {
        d.providers.resize(1);
        d.service.buffers = {{}, minutes(10)};
    });
    EXPECT_EQ(v.first(), "9:0a 10:0a");
}

TEST(Itinerary, TheWayIsKeptFree) {
    Visit v(2);
    v.everywhere([](Diary &d) {
        d.providers[1].hours.rules = {hours(51, there, hm(9), hm(12))};
        d.travel = {{{here, there}, minutes(40)}};
    });
    v.rules.providers = ItineraryRules::Providers::different;
    EXPECT_EQ(v.first(), "9:0b' 9:30a") << "the way back is short";
    v.steps[1].request.location = there;
    EXPECT_EQ(v.first(), "9:0a 10:30b'");
    v.steps[1].most_gap = minutes(30);
    EXPECT_EQ(v.first(), "");
    v.steps[1].most_gap.reset();
    v.rules.one_location = true;
    EXPECT_EQ(v.first(), "");
}

TEST(Itinerary, ARoomIsUsedOnceAtATime) {
    Visit v(2);
    v.everywhere([](Diary &d) {
        Resource r;
        r.id = id(80);
        r.resource_class = "room";
        r.location = here;
        r.buffers = {{}, minutes(5)}; // cleaning
        d.resources = {r};
        d.service.required = {{"room", 1}};
    });
    EXPECT_EQ(v.first(), "9:0a 10:0a");
}

TEST(Itinerary, LimitsCountTheStopsBefore) {
    Visit v(2);
    v.everywhere([](Diary &d) { d.providers[0].max_per_day = 1; });
    EXPECT_EQ(v.first(), "9:0a 9:30b");
    v.rules.providers = ItineraryRules::Providers::same;
    EXPECT_EQ(v.first(), "9:0b 9:30b");
}

TEST(Itinerary, AssistantsAreElsewhereWhenTheyTreat) {
    Visit v(2);
    v.diaries[1].assistants = {v.diaries[1].providers[0]};
    v.diaries[1].service.participants = {{"assistant", 1, false, {anna}}};
    EXPECT_EQ(v.first(), "9:0a 9:30b");
    v.diaries[0].service.buffers = v.diaries[1].service.buffers = {{}, minutes(5)};
    EXPECT_EQ(v.first(), "9:0a 10:0b") << "at 9:30 Anna is not ready to assist yet";
}

namespace {

// All that the search promises, by trying everything: each step over the whole range, with what is before it put into its
// diary by other means.
class Trial {
  public:
    Trial(const std::vector<Step> &steps, const ItineraryRules &rules, Interval range)
        : steps_(steps), rules_(rules), range_(range) {
        go_on();
        std::sort(found_.begin(), found_.end(), [](const auto &a, const auto &b) { return key(a) < key(b); });
    }

    using Key = std::tuple<Instant, Instant, std::vector<std::pair<Id, Id>>, std::vector<Instant>>;
    static Key key(const Itinerary &i) {
        Key k{i.stops.front().visit.begin, i.stops.back().visit.end, {}, {}};
        for (const Slot &s : i.stops) {
            std::get<2>(k).emplace_back(s.provider, s.location);
            std::get<3>(k).push_back(s.visit.begin);
        }
        return k;
    }
    const std::vector<Itinerary> &found() const { return found_; }

  private:
    struct Use {
        Id resource;
        Busy busy;
    };

    void go_on() {
        const std::size_t n = stops_.size();
        if (n == steps_.size()) {
            found_.push_back({stops_});
            return;
        }
        Diary diary = *steps_[n].diary;
        const auto add = [this](const Id &who, BusyList &busy) {
            std::vector<Busy> all = busy.claims();
            for (const Use &u : uses_)
                if (u.resource == who)
                    all.push_back(u.busy);
            busy = BusyList(all);
        };
        for (Provider &p : diary.providers) {
            add(p.id, p.busy);
            for (const CountedVisit &v : visits_)
                if (v.appointment == p.id) // the provider, for the moment
                    p.visits.push_back({v.start, v.service, v.location, {}});
        }
        for (Provider &a : diary.assistants)
            add(a.id, a.busy);
        for (Resource &r : diary.resources)
            add(r.id, r.busy);
        Work work;
        const Kernel kernel(diary, steps_[n].request, range_, work);
        for (std::size_t p = 0; p < diary.providers.size(); ++p)
            for (const Location &l : diary.locations)
                for (Instant t = range_.begin; t < range_.end; t.micros += 5 * micros_per_minute)
                    try_stop(diary, kernel, p, l, t);
    }

    void try_stop(const Diary &diary, const Kernel &kernel, std::size_t p, const Location &l, Instant t) {
        const std::size_t n = stops_.size();
        const Step &step = steps_[n];
        const Id provider = diary.providers[p].id;
        if (step.request.location && step.request.location != l.id)
            return;
        if (n > 0) {
            const Slot &last = stops_.back();
            Duration way;
            for (const auto &[places, time] : diary.travel)
                if (places.first == last.location && places.second == l.id)
                    way = time;
            const Duration gap = t - last.visit.end;
            if (gap < way || gap < step.least_gap || (step.most_gap && gap > *step.most_gap) ||
                (rules_.one_location && l.id != last.location))
                return;
            for (const Slot &s : stops_) {
                using P = ItineraryRules::Providers;
                if ((rules_.providers == P::same) ? s.provider != provider
                                                  : (rules_.providers == P::different && s.provider == provider))
                    return;
            }
        }
        const Verdict v = kernel.judge(p, l.id, t, false);
        if (!v.free())
            return;
        Slot slot{{t, t + kernel.duration_at(p)}, provider, l.id, l.zone, v.remaining, v.resources, v.missing};
        const auto use = [&](const Id &who, const Buffers &b, std::int32_t capacity) {
            Busy busy;
            busy.visit = slot.visit;
            busy.during = {slot.visit.begin - b.before, slot.visit.end + b.after};
            busy.capacity = capacity;
            busy.claim = busy.appointment = id(900'000 + static_cast<std::uint32_t>(n));
            busy.service = diary.service.id;
            busy.location = l.id;
            uses_.push_back({who, busy});
        };
        const std::size_t before = uses_.size();
        use(provider, kernel.provider_buffers(p), diary.service.capacity);
        for (const Resource &r : diary.resources)
            if (std::count(v.resources.begin(), v.resources.end(), r.id))
                use(r.id, kernel.resource_buffers(r), diary.service.capacity * r.quantity);
        for (const Provider &a : diary.assistants)
            if (std::count(v.resources.begin(), v.resources.end(), a.id))
                use(a.id, kernel.provider_buffers(a), diary.service.capacity);
        visits_.push_back({t, diary.service.id, l.id, provider});
        stops_.push_back(slot);
        go_on();
        stops_.pop_back();
        visits_.pop_back();
        uses_.resize(before);
    }

    const std::vector<Step> &steps_;
    const ItineraryRules rules_;
    const Interval range_;
    std::vector<Slot> stops_;
    std::vector<Use> uses_;
    std::vector<CountedVisit> visits_;
    std::vector<Itinerary> found_;
};

} // namespace

TEST(Itinerary, AgreesWithTryingEverythingOnRandomDiaries) {
    std::size_t itineraries = 0, with_some = 0, touched = 0, across = 0;
    for (unsigned seed = 1; seed <= static_cast<unsigned>(pg_clinic::test::rounds(120)); ++seed) {
        SCOPED_TRACE("seed " + std::to_string(seed));
        std::mt19937 random(seed);
        const auto below = [&random](std::uint32_t n) { return static_cast<std::uint32_t>(random() % n); };
        const Clinic clinic = ClinicGenerator(seed).clinic();
        const std::size_t n = 2 + below(2);
        std::vector<Diary> diaries(n, clinic.diary);
        std::vector<Step> steps;
        const Duration length = minutes(n == 2 ? 360 : 180);
        Interval range{clinic.range.begin + minutes(5 * below(300)), {}};
        range.end = range.begin + length;
        for (std::size_t i = 0; i < n; ++i) {
            Diary &d = diaries[i];
            d.now = std::min(d.now, range.begin - minutes(600));
            d.service.active = d.tenant.active = d.locations[0].active = true;
            if (d.patient)
                d.patient->active = true;
            d.service.lead_time = {};
            d.service.same_day = true;
            d.service.horizon_days.reset();
            d.service.step = minutes(15);
            if (below(3) == 0)
                d.service.id = other_service;
            d.service.duration = d.service.min_duration = d.service.max_duration = minutes(5 * (2 + below(8)));
            // Around the clock, so that steps follow one another; what is taken and blocked stays as it is.
            for (Provider &p : d.providers) {
                p.active = p.offers_service = true;
                if (below(2) == 0)
                    p.duration.reset();
                p.hours.rules.push_back(hours(500, p.id == anna || below(2) == 0 ? here : there, hm(0), hm(24)));
            }
            if (below(3) == 0) {
                d.assistants = {d.providers.front()};
                d.assistants.front().duration.reset();
                d.service.participants = {{"assistant", 1, below(2) == 0, {d.assistants.front().id}}};
            }
            Step step{&d, {}, minutes(5 * below(4)), std::nullopt};
            if (i == 0)
                step.least_gap = {};
            else if (below(2) == 0)
                step.most_gap = step.least_gap + minutes(5 * below(12));
            if (below(8) == 0)
                step.request.location = below(2) == 0 ? here : there;
            steps.push_back(step);
        }
        ItineraryRules rules;
        rules.one_location = below(4) == 0;
        rules.providers = static_cast<ItineraryRules::Providers>(below(3) * below(2));
        const Trial trial(steps, rules, range);
        const std::vector<Itinerary> &all = trial.found();
        for (const std::size_t rows : {std::size_t{1}, std::size_t{5}, std::size_t{1'000'000}}) {
            Work work;
            const std::vector<Itinerary> found = find_itineraries(steps, rules, range, rows, work);
            ASSERT_EQ(found.size(), std::min(rows, all.size())) << rows;
            for (std::size_t i = 0; i < found.size(); ++i) {
                ASSERT_TRUE(Trial::key(found[i]) == Trial::key(all[i])) << i << " of " << found.size();
                for (std::size_t s = 0; s < n; ++s) {
                    ASSERT_EQ(found[i].stops[s].resources, all[i].stops[s].resources);
                    ASSERT_EQ(found[i].stops[s].missing, all[i].stops[s].missing);
                    ASSERT_EQ(found[i].stops[s].remaining, all[i].stops[s].remaining);
                }
            }
        }
        itineraries += all.size();
        with_some += !all.empty();
        for (const Itinerary &i : all) {
            touched += i.stops[0].provider == i.stops[1].provider;
            across += i.stops[0].location != i.stops[1].location;
        }
    }
    // Worth nothing if nothing is ever found, shared or on the way.
    EXPECT_GT(with_some, 15U);
    EXPECT_GT(itineraries, 2'000U);
    EXPECT_GT(touched, 200U);
    EXPECT_GT(across, 200U);
}

} // namespace pg_clinic::core::test
