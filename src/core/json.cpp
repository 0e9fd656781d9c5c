// The reader of JSON: see json.hpp. Clauses are of RFC 8259.
#include "core/json.hpp"

#include <algorithm>
#include <cstdint>
#include <utility>

#include "core/error.hpp"

namespace pg_clinic::core {

namespace {

bool is_digit(char c) { return c >= '0' && c <= '9'; }

// How many bytes a well-formed UTF-8 character (RFC 3629) has at the start of the text; 0 when there is none.
std::size_t utf8_length(std::string_view text) {
    const auto byte = [text](std::size_t i) -> unsigned { return static_cast<unsigned char>(text[i]); };
    const auto tail = [&](std::size_t i, unsigned low, unsigned high) {
        return i < text.size() && byte(i) >= low && byte(i) <= high;
    };
    const unsigned first = byte(0);
    if (first < 0x80)
        return 1;
    if (first >= 0xC2 && first <= 0xDF)
        return tail(1, 0x80, 0xBF) ? 2 : 0;
    if (first >= 0xE0 && first <= 0xEF) { // no overlong form, no surrogate
        const unsigned low = first == 0xE0 ? 0xA0 : 0x80;
        const unsigned high = first == 0xED ? 0x9F : 0xBF;
        return tail(1, low, high) && tail(2, 0x80, 0xBF) ? 3 : 0;
    }
    if (first >= 0xF0 && first <= 0xF4) { // no overlong form, nothing above U+10FFFF
        const unsigned low = first == 0xF0 ? 0x90 : 0x80;
        const unsigned high = first == 0xF4 ? 0x8F : 0xBF;
        return tail(1, low, high) && tail(2, 0x80, 0xBF) && tail(3, 0x80, 0xBF) ? 4 : 0;
    }
    return 0;
}

void append_utf8(std::string &out, std::uint32_t character) {
    const auto put = [&out](std::uint32_t byte) { out += static_cast<char>(byte); };
    if (character < 0x80) {
        put(character);
    } else if (character < 0x800) {
        put(0xC0 | character >> 6);
        put(0x80 | (character & 0x3F));
    } else if (character < 0x10000) {
        put(0xE0 | character >> 12);
        put(0x80 | (character >> 6 & 0x3F));
        put(0x80 | (character & 0x3F));
    } else {
        put(0xF0 | character >> 18);
        put(0x80 | (character >> 12 & 0x3F));
        put(0x80 | (character >> 6 & 0x3F));
        put(0x80 | (character & 0x3F));
    }
}

class Reader {
  public:
    Reader(std::string_view text, std::size_t deepest) : text_(text), deepest_(deepest) {}

    JsonValue whole();

  private:
    [[noreturn]] void refuse(const char *problem) const;
    char peek() const { return position_ < text_.size() ? text_[position_] : '\0'; }
    bool take(char c);
    void skip_space();
    void take_word(std::string_view word);
    JsonValue value();
    JsonValue object();
    JsonValue array();
    JsonValue number();
    std::string string();
    void escape(std::string &out);
    std::uint32_t four_digits();
    void digits();
    void enter();
    void refuse_repeated(const std::vector<std::string> &names) const;

    std::string_view text_;
    std::size_t deepest_;
    std::size_t position_ = 0;
    std::size_t depth_ = 0;
};

void Reader::refuse(const char *problem) const {
    throw Error(ErrorCode::invalid_text,
                "invalid JSON: " + std::string(problem) + " at byte " + std::to_string(position_ + 1));
}

JsonValue Reader::whole() {
    JsonValue out = value();
    if (position_ != text_.size())
        refuse("text after the value");
    return out;
}

bool Reader::take(char c) {
    if (position_ == text_.size() || text_[position_] != c)
        return false;
    ++position_;
    return true;
}

// §2: white space is these four and no other.
void Reader::skip_space() {
    while (position_ < text_.size() && std::string_view(" \t\n\r").find(text_[position_]) != std::string_view::npos)
        ++position_;
}

void Reader::take_word(std::string_view word) {
    if (!text_.substr(position_).starts_with(word))
        refuse("no value");
    position_ += word.size();
}

// A value with the white space around it.
JsonValue Reader::value() {
    skip_space();
    JsonValue out;
    switch (peek()) {
    case '{':
        out = object();
        break;
    case '[':
        out = array();
        break;
    case '"':
        out.kind = JsonValue::Kind::string;
        out.text = string();
        break;
    case 't':
    case 'f':
        out.kind = JsonValue::Kind::boolean;
        out.truth = peek() == 't';
        take_word(out.truth ? "true" : "false");
        break;
    case 'n':
        take_word("null");
        break;
    default:
        out = number();
    }
    skip_space();
    return out;
}

void Reader::enter() {
    if (++depth_ > deepest_)
        throw Error(ErrorCode::limit_exceeded, "JSON is nested too deeply",
                    "At most " + std::to_string(deepest_) + " levels are read.");
}

JsonValue Reader::object() {
    JsonValue out;
    out.kind = JsonValue::Kind::object;
    enter();
    take('{');
    skip_space();
    if (!take('}')) {
        do {
            skip_space();
            if (peek() != '"')
                refuse("no member name");
            out.names.push_back(string());
            skip_space();
            if (!take(':'))
                refuse("no colon");
            out.items.push_back(value());
        } while (take(','));
        if (!take('}'))
            refuse("no end of the object");
        refuse_repeated(out.names);
    }
    --depth_;
    return out;
}

// §4: what readers make of repeated names differs, so nobody may depend on it.
void Reader::refuse_repeated(const std::vector<std::string> &names) const {
    std::vector<std::string_view> sorted(names.begin(), names.end());
    std::sort(sorted.begin(), sorted.end());
    if (std::adjacent_find(sorted.begin(), sorted.end()) != sorted.end())
        refuse("repeated member name before the end of the object");
}

JsonValue Reader::array() {
    JsonValue out;
    out.kind = JsonValue::Kind::array;
    enter();
    take('[');
    skip_space();
    if (!take(']')) {
        do
            out.items.push_back(value());
        while (take(','));
        if (!take(']'))
            refuse("no end of the array");
    }
    --depth_;
    return out;
}

void Reader::digits() {
    if (!is_digit(peek()))
        refuse("no digit");
    while (is_digit(peek()))
        ++position_;
}

// §6: no leading zero, no plus sign, digits on both sides of the point.
JsonValue Reader::number() {
    const std::size_t begin = position_;
    take('-');
    if (!is_digit(peek()))
        refuse("no value");
    if (!take('0'))
        digits();
    if (take('.'))
        digits();
    if (take('e') || take('E')) {
        if (!take('+'))
            take('-');
        digits();
    }
    JsonValue out;
    out.kind = JsonValue::Kind::number;
    out.text = text_.substr(begin, position_ - begin);
    return out;
}

std::string Reader::string() {
    std::string out;
    take('"');
    while (!take('"')) {
        if (position_ == text_.size())
            refuse("no end of the string");
        if (take('\\')) {
            escape(out);
            continue;
        }
        if (static_cast<unsigned char>(peek()) < 0x20)
            refuse("control character");
        const std::size_t length = utf8_length(text_.substr(position_));
        if (length == 0)
            refuse("invalid UTF-8");
        out += text_.substr(position_, length);
        position_ += length;
    }
    return out;
}

// What follows a backslash (§7).
void Reader::escape(std::string &out) {
    constexpr std::string_view letters = "\"\\/bfnrt", meanings = "\"\\/\b\f\n\r\t";
    const std::size_t known = position_ < text_.size() ? letters.find(text_[position_]) : std::string_view::npos;
    if (known != std::string_view::npos) {
        ++position_;
        out += meanings[known];
        return;
    }
    if (!take('u'))
        refuse("unknown escape");
    std::uint32_t character = four_digits();
    if (character >= 0xDC00 && character <= 0xDFFF)
        refuse("half of a surrogate pair");
    if (character >= 0xD800 && character <= 0xDBFF) {
        if (!take('\\') || !take('u'))
            refuse("half of a surrogate pair");
        const std::uint32_t low = four_digits();
        if (low < 0xDC00 || low > 0xDFFF)
            refuse("half of a surrogate pair");
        character = 0x10000 + ((character - 0xD800) << 10 | (low - 0xDC00));
    }
    append_utf8(out, character);
}

std::uint32_t Reader::four_digits() {
    std::uint32_t out = 0;
    for (int i = 0; i < 4; ++i, ++position_) {
        const char c = peek();
        const char lower = static_cast<char>(c | 0x20);
        if (is_digit(c))
            out = out << 4 | static_cast<std::uint32_t>(c - '0');
        else if (lower >= 'a' && lower <= 'f')
            out = out << 4 | static_cast<std::uint32_t>(lower - 'a' + 10);
        else
            refuse("no hexadecimal digit");
    }
    return out;
}

} // namespace

const JsonValue *JsonValue::member(std::string_view name) const noexcept {
    for (std::size_t i = 0; i < names.size(); ++i)
        if (names[i] == name)
            return &items[i];
    return nullptr;
}

JsonValue parse_json(std::string_view text, std::size_t deepest) { return Reader(text, deepest).whole(); }

} // namespace pg_clinic::core
