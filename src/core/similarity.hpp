// How alike two names are, and two records of patients: folding, Jaro-Winkler, a key of how a name sounds, and a score.
//
// Text is UTF-8; what is not well formed counts as a blank. Nothing here throws but for want of memory, and every result depends
// on the arguments alone.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace pg_clinic::core {

// The form in which names are compared: lower case, Latin letters without accents (ß as ss, ø as o, ɓ as b), apostrophes and
// joiners left out, everything else that is no letter or digit one blank. Letters of other scripts stay. Folding twice changes nothing.
std::string fold_name(std::string_view name);

// The words of a folded name.
std::vector<std::string_view> name_words(std::string_view folded);

// The key of how a word sounds, for names of India, Africa and Europe written in many ways: equal for Mohammed and Muhammad, Laxmi and
// Lakshmi, Wikram and Vikram, Chaudhary and Choudhury, Catherine and Katherine, Philip and Filip, Okonkwo and Okonquo. Its letters:
//   - the first letter when it is a vowel, as a; all other vowels, y among them, are left out, and so is h behind the first letter;
//   - aspirated consonants as plain ones (bh, dh, gh, jh, kh, th), ph as f; sh, sch, z and soft c as s; ch as c, ck, hard c and q as k;
//     x as ks; w as v, and silent behind a vowel that no other follows; dt as t; ng as n; doubled letters once; kn, ps, wr, gn at the beginning without their first letter;
//   - at most eight. A word with letters of another script is its own key, as far as eight letters go.
std::string sound_key(std::string_view folded_word);

// From 0, nothing in common, to 1, equal; two empty texts are equal. Symmetric. Letters are code points.
double jaro(std::string_view a, std::string_view b);
// Jaro's, raised by a tenth of what is missing for each of the first letters that are equal, up to four.
double jaro_winkler(std::string_view a, std::string_view b);

// Of two folded names: the better of both as they stand and with their words sorted; at least 0.92 when all words sound alike.
double name_similarity(std::string_view folded_a, std::string_view folded_b);

// How well a name fits what somebody looks for, both folded: each word looked for finds the word that it is most like, or begins, or sounds
// like; the mean of that, a trifle less for each word of the name that nobody looked for. From 0 to 1.
double query_similarity(std::string_view folded_query, std::string_view folded_name);

// What two records of patients say; nothing where one of them does not say it.
struct PatientComparison {
    double name = 0; // name_similarity
    std::optional<double> date_of_birth;
    std::optional<bool> email;
    std::optional<bool> phone;
    std::optional<bool> identifier;
};

// How much each counts. The sum of what agrees is divided by the sum of what both records say, which counts as `evidence` at least:
// so that two people of one name are no duplicates because nothing else is known.
struct MatchWeights {
    double name = 0.25;
    double date_of_birth = 0.20;
    double email = 0.30;
    double phone = 0.25;
    double identifier = 0.50;
    double evidence = 0.70;
};

// 1 for equal dates, 0.5 for day and month exchanged or one digit that differs, else 0. Dates as year, month, day.
struct PlainDate {
    std::int32_t year;
    std::int32_t month;
    std::int32_t day;
};
double date_similarity(const PlainDate &a, const PlainDate &b) noexcept;

// From 0 to 1.
double match_score(const PatientComparison &facts, const MatchWeights &weights) noexcept;

} // namespace pg_clinic::core
