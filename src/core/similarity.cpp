// Names that are alike: see similarity.hpp.
#include "core/similarity.hpp"

#include <algorithm>
#include <array>
#include <cstdio>
#include <utility>

namespace pg_clinic::core {

namespace {

// U+00C0 to U+024F; a full stop stands for what is no letter, or for more than one.
constexpr std::string_view latin = "aaaaaa.ceeeeiiiidnooooo.ouuuuy..aaaaaa.ceeeeiiiidnooooo.ouuuuy.yaaaaaaccccccccdd"
                                   "ddeeeeeeeeeegggggggghhhhiiiiiiiiii..jjkkkllllll..llnnnnnnn..oooooo..rrrrrrssssss"
                                   "ssttttttuuuuuuuuuuuuwwyyyzzzzzzsbbbb..occdddd.eeeffgg.iikkl..nnooo..pp.ss..ttttu"
                                   "uuvyyzzz.....................aaiioouuuuuuuuuueaaaa..ggggkkoooo..j...gg..nnaa..oo"
                                   "aaaaeeeeiiiioooorrrruuuusstt..hhnd..zzaaeeooooooooyylntj..accltsz..buveejjqqrryy";
// U+1E00 to U+1EFF; a full stop stands for what is no letter, or for more than one.
constexpr std::string_view latin_additional =
    "aabbbbbbccddddddddddeeeeeeeeeeffgghhhhhhhhhhiiiikkkkkkllllllllmmmmmmnnnnnnnnoooo"
    "oooopppprrrrrrrrssssssssssttttttttuuuuuuuuuuvvvvwwwwwwwwwwxxxxyyzzzzzzhtwy.s...."
    "aaaaaaaaaaaaaaaaaaaaaaaaeeeeeeeeeeeeeeeeiiiioooooooooooooooooooooooouuuuuuuuuuuu"
    "uuyyyyyyyy......";
constexpr std::pair<char32_t, std::string_view> of_several[] = {
    {0x00c6, "ae"}, {0x00de, "th"}, {0x00df, "ss"}, {0x00e6, "ae"}, {0x00fe, "th"}, {0x0132, "ij"}, {0x0133, "ij"},
    {0x014a, "ng"}, {0x014b, "ng"}, {0x0152, "oe"}, {0x0153, "oe"}, {0x01c4, "dz"}, {0x01c5, "dz"}, {0x01c6, "dz"},
    {0x01c7, "lj"}, {0x01c8, "lj"}, {0x01c9, "lj"}, {0x01ca, "nj"}, {0x01cb, "nj"}, {0x01cc, "nj"}, {0x01e2, "ae"},
    {0x01e3, "ae"}, {0x01f1, "dz"}, {0x01f2, "dz"}, {0x01f3, "dz"}, {0x01fc, "ae"}, {0x01fd, "ae"}, {0x0222, "ou"},
    {0x0223, "ou"}, {0x0253, "b"},  {0x0254, "o"},  {0x0256, "d"},  {0x0257, "d"},  {0x0259, "e"},  {0x025b, "e"},
    {0x0263, "g"},  {0x0268, "i"},  {0x0269, "i"},  {0x0272, "n"},  {0x1e9e, "ss"}};
constexpr char32_t invalid = 0xFFFFFFFF;
constexpr std::size_t longest_key = 8;

// Takes one code point from the front of the text.
char32_t take(std::string_view &text) noexcept {
    const auto byte = [&text](std::size_t i) { return static_cast<unsigned char>(text[i]); };
    const unsigned char first = byte(0);
    const std::size_t length = first < 0x80 ? 1 : first >= 0xF0 ? 4 : first >= 0xE0 ? 3 : first >= 0xC2 ? 2 : 0;
    if (length == 0 || length > text.size() || first > 0xF4) {
        text.remove_prefix(1);
        return invalid;
    }
    char32_t point = length == 1 ? first : first & (0x7FU >> length);
    for (std::size_t i = 1; i < length; ++i) {
        if ((byte(i) & 0xC0) != 0x80) {
            text.remove_prefix(1);
            return invalid;
        }
        point = point << 6 | (byte(i) & 0x3F);
    }
    constexpr std::array<char32_t, 5> least{0, 0, 0x80, 0x800, 0x10000};
    if (point < least[length] || point > 0x10FFFF || (point >= 0xD800 && point < 0xE000)) {
        text.remove_prefix(1);
        return invalid;
    }
    text.remove_prefix(length);
    return point;
}

void put(std::string &out, char32_t point) {
    const auto add = [&out](char32_t byte) { out += static_cast<char>(byte); };
    if (point < 0x80) {
        add(point);
    } else if (point < 0x800) {
        add(0xC0 | point >> 6);
        add(0x80 | (point & 0x3F));
    } else if (point < 0x10000) {
        add(0xE0 | point >> 12);
        add(0x80 | (point >> 6 & 0x3F));
        add(0x80 | (point & 0x3F));
    } else {
        add(0xF0 | point >> 18);
        add(0x80 | (point >> 12 & 0x3F));
        add(0x80 | (point >> 6 & 0x3F));
        add(0x80 | (point & 0x3F));
    }
}

std::u32string points_of(std::string_view text) {
    std::u32string points;
    points.reserve(text.size());
    while (!text.empty())
        points += take(text);
    return points;
}

// What joins nothing and separates nothing: apostrophes, combining accents of Latin, joiners, variation selectors.
bool is_silent(char32_t p) noexcept {
    return p == '\'' || p == '`' || p == 0xB4 || (p >= 0x2BB && p <= 0x2BF) || (p >= 0x300 && p <= 0x36F) ||
           p == 0x2018 || p == 0x2019 || p == 0x200C || p == 0x200D || p == 0xAD || (p >= 0xFE00 && p <= 0xFE0F) ||
           p == 0xFEFF;
}

// Blanks and punctuation outside of ASCII.
bool is_blank(char32_t p) noexcept {
    return p == invalid || (p >= 0x80 && p < 0xC0 && p != 0xAA && p != 0xBA) || p == 0xD7 || p == 0xF7 ||
           (p >= 0x2000 && p <= 0x206F) || (p >= 0x3000 && p <= 0x3003) || p == 0x0964 || p == 0x0965;
}

char32_t lower_of_other_scripts(char32_t p) noexcept {
    if ((p >= 0x391 && p <= 0x3A9 && p != 0x3A2) || (p >= 0x410 && p <= 0x42F))
        return p + 0x20;
    if (p >= 0x400 && p <= 0x40F)
        return p + 0x50;
    return p == 0x3C2 ? 0x3C3 : p; // the last sigma of a word
}

void fold(std::string &out, char32_t p) {
    const auto blank = [&out] {
        if (!out.empty() && out.back() != ' ')
            out += ' ';
    };
    if (is_silent(p))
        return;
    if (p < 0x80) {
        const char c = static_cast<char>(p >= 'A' && p <= 'Z' ? p + ('a' - 'A') : p);
        if ((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'))
            out += c;
        else
            blank();
        return;
    }
    for (const auto &[from, to] : of_several)
        if (from == p) {
            out += to;
            return;
        }
    char plain = '.';
    if (p >= 0xC0 && p < 0xC0 + latin.size())
        plain = latin[p - 0xC0];
    else if (p >= 0x1E00 && p < 0x1E00 + latin_additional.size())
        plain = latin_additional[p - 0x1E00];
    if (plain != '.')
        out += plain;
    else if (is_blank(p))
        blank();
    else
        put(out, lower_of_other_scripts(p));
}

bool is_vowel(char c) noexcept { return c == 'a' || c == 'e' || c == 'i' || c == 'o' || c == 'u' || c == 'y'; }

std::string joined(std::vector<std::string_view> words) {
    std::sort(words.begin(), words.end());
    std::string out;
    for (const std::string_view word : words)
        out.append(out.empty() ? "" : " ").append(word);
    return out;
}

std::string sorted_sounds(const std::vector<std::string_view> &words) {
    std::vector<std::string> keys;
    keys.reserve(words.size());
    for (const std::string_view word : words)
        keys.push_back(sound_key(word));
    std::sort(keys.begin(), keys.end());
    std::string out;
    for (const std::string &key : keys)
        out.append(key).append(" ");
    return out;
}

double jaro_of(const std::u32string &a, const std::u32string &b) {
    if (a.empty() || b.empty())
        return a.empty() && b.empty() ? 1.0 : 0.0;
    const std::size_t longest = std::max(a.size(), b.size());
    const std::size_t window = longest / 2 > 0 ? longest / 2 - 1 : 0;
    std::vector<bool> taken(b.size());
    std::u32string of_a;
    for (std::size_t i = 0; i < a.size(); ++i) {
        const std::size_t from = i > window ? i - window : 0;
        const std::size_t until = std::min(b.size(), i + window + 1);
        for (std::size_t j = from; j < until; ++j)
            if (!taken[j] && a[i] == b[j]) {
                taken[j] = true;
                of_a += a[i];
                break;
            }
    }
    if (of_a.empty())
        return 0.0;
    std::size_t displaced = 0;
    std::size_t next = 0;
    for (std::size_t j = 0; j < b.size(); ++j)
        if (taken[j] && b[j] != of_a[next++])
            ++displaced;
    const auto matches = static_cast<double>(of_a.size());
    return (matches / static_cast<double>(a.size()) + matches / static_cast<double>(b.size()) +
            (matches - static_cast<double>(displaced / 2)) / matches) /
           3.0;
}

// The greedy choice of matches may depend on the order; the better of both does not.
double jaro_both_ways(const std::u32string &a, const std::u32string &b) {
    return std::max(jaro_of(a, b), jaro_of(b, a));
}

} // namespace

std::string fold_name(std::string_view name) {
    std::string out;
    out.reserve(name.size());
    while (!name.empty())
        fold(out, take(name));
    if (!out.empty() && out.back() == ' ')
        out.pop_back();
    return out;
}

std::vector<std::string_view> name_words(std::string_view folded) {
    std::vector<std::string_view> words;
    while (!folded.empty()) {
        const std::size_t end = std::min(folded.find(' '), folded.size());
        if (end > 0)
            words.push_back(folded.substr(0, end));
        folded.remove_prefix(std::min(end + 1, folded.size()));
    }
    return words;
}

std::string sound_key(std::string_view word) {
    if (std::any_of(word.begin(), word.end(), [](char c) { return static_cast<unsigned char>(c) >= 0x80; })) {
        std::string key;
        for (std::size_t letters = 0; letters < longest_key && !word.empty(); ++letters)
            if (const char32_t point = take(word); point != invalid)
                put(key, point);
        return key;
    }
    for (const std::string_view silent : {"kn", "ps", "wr", "gn"})
        if (word.starts_with(silent)) {
            word.remove_prefix(1);
            break;
        }
    std::string key;
    for (std::size_t i = 0; i < word.size() && key.size() < longest_key; ++i) {
        const char c = word[i];
        const auto at = [&](std::string_view what) { return word.substr(i).starts_with(what); };
        const char next = i + 1 < word.size() ? word[i + 1] : '\0';
        if (i > 0 && c == word[i - 1])
            continue;
        if (is_vowel(c)) {
            if (i == 0)
                key += c == 'y' && is_vowel(next) ? 'y' : 'a';
            continue;
        }
        switch (c) {
        case 'h':
            if (i == 0)
                key += 'h';
            break;
        case 'p':
            key += next == 'h' ? 'f' : 'p';
            i += next == 'h';
            break;
        case 's':
            key += 's';
            i += at("sch") ? 2 : next == 'h';
            break;
        case 'z':
            key += 's';
            break;
        case 'c':
            if (next == 'h') {
                key += 'c';
                ++i;
            } else {
                key += next == 'e' || next == 'i' || next == 'y' ? 's' : 'k';
                i += next == 'k';
            }
            break;
        case 'q':
            key += next == 'u' && i + 2 < word.size() && is_vowel(word[i + 2]) ? "kv" : "k";
            break;
        case 'x':
            key += "ks";
            break;
        case 'w':
            if (i == 0 || !is_vowel(word[i - 1]) || is_vowel(next))
                key += 'v';
            break;
        case 'd':
            key += next == 't' ? 't' : 'd';
            i += next == 't';
            break;
        case 'n':
            key += 'n';
            i += next == 'g' && (i + 2 == word.size() || i == 0);
            break;
        case 'g':
            if (at("ght"))
                break;
            key += 'g';
            break;
        default:
            key += c;
        }
    }
    key.resize(std::min(key.size(), longest_key));
    return key;
}

double jaro(std::string_view a, std::string_view b) { return jaro_both_ways(points_of(a), points_of(b)); }

double jaro_winkler(std::string_view a, std::string_view b) {
    const std::u32string left = points_of(a);
    const std::u32string right = points_of(b);
    const double similarity = jaro_both_ways(left, right);
    std::size_t common = 0;
    while (common < 4 && common < left.size() && common < right.size() && left[common] == right[common])
        ++common;
    return similarity + 0.1 * static_cast<double>(common) * (1.0 - similarity);
}

double name_similarity(std::string_view a, std::string_view b) {
    const auto words_a = name_words(a);
    const auto words_b = name_words(b);
    if (words_a.empty() || words_b.empty())
        return 0.0;
    double similarity = std::max(jaro_winkler(a, b), jaro_winkler(joined(words_a), joined(words_b)));
    if (similarity < 0.92 && words_a.size() == words_b.size() && sorted_sounds(words_a) == sorted_sounds(words_b))
        similarity = 0.92;
    return similarity;
}

double query_similarity(std::string_view query, std::string_view name) {
    const auto wanted = name_words(query);
    const auto words = name_words(name);
    if (wanted.empty() || words.empty())
        return 0.0;
    double sum = 0.0;
    for (const std::string_view want : wanted) {
        const std::string sound = sound_key(want);
        double best = 0.0;
        for (const std::string_view word : words) {
            double fit = jaro_winkler(want, word);
            if (word.starts_with(want))
                fit = std::max(fit, 0.95);
            if (fit < 0.92 && !sound.empty() && sound == sound_key(word))
                fit = 0.92;
            best = std::max(best, fit);
        }
        sum += best;
    }
    const std::size_t others = words.size() > wanted.size() ? words.size() - wanted.size() : 0;
    const double mean = sum / static_cast<double>(wanted.size());
    return mean * (1.0 - 0.01 * static_cast<double>(std::min<std::size_t>(others, 5)));
}

double date_similarity(const PlainDate &a, const PlainDate &b) noexcept {
    if (a.year == b.year && a.month == b.month && a.day == b.day)
        return 1.0;
    if (a.year == b.year && a.month == b.day && a.day == b.month)
        return 0.5;
    std::array<char, 32> text_a{};
    std::array<char, 32> text_b{};
    std::snprintf(text_a.data(), text_a.size(), "%08d%02d%02d", a.year, a.month, a.day);
    std::snprintf(text_b.data(), text_b.size(), "%08d%02d%02d", b.year, b.month, b.day);
    std::size_t differing = 0;
    for (std::size_t i = 0; i < text_a.size(); ++i)
        differing += text_a[i] != text_b[i];
    return differing == 1 ? 0.5 : 0.0;
}

double match_score(const PatientComparison &facts, const MatchWeights &weights) noexcept {
    double agreed = weights.name * facts.name;
    double known = weights.name;
    const auto count = [&](const auto &fact, double weight) {
        if (fact) {
            known += weight;
            agreed += weight * static_cast<double>(*fact);
        }
    };
    count(facts.date_of_birth, weights.date_of_birth);
    count(facts.email, weights.email);
    count(facts.phone, weights.phone);
    count(facts.identifier, weights.identifier);
    const double least = std::max(known, weights.evidence);
    return least > 0 ? std::clamp(agreed / least, 0.0, 1.0) : 0.0;
}

} // namespace pg_clinic::core
