// Values between SQL and C++: one trait, Sql<T>, for each C++ type that has an SQL type.
//
// Sql<T>::from reads a Datum, Sql<T>::to makes one in the current memory context; both go through pg_call where
// PostgreSQL may raise. std::optional<T> stands for a nullable value, std::vector<T> for an array without nulls.
#pragma once

#include "core/civil.hpp"
#include "pg/boundary.hpp"
#include "pg/errors.hpp"
#include "pg/postgres.hpp"
#include "pg/uuid.hpp"

namespace pg_clinic::pg {

// A jsonb value, as its text.
struct Json {
    std::string text;
};

// A value of type bytea.
struct Bytes {
    std::string bytes;
};

// A value of type time: since midnight, 24:00 included.
struct TimeOfDay {
    std::int64_t micros = 0;
    auto operator<=>(const TimeOfDay &) const = default;
};

template <class T> struct Sql;

std::string text_of(Datum value);
std::string_view
text_view(Datum value); // lives as long as the value, or the current memory context when it was toasted
Datum text_datum(std::string_view text);
std::string shown(std::string_view text);             // for messages: the first 64 bytes, cut between characters
core::Duration duration_of(const Interval &interval); // refuses months and years; a day is 24 hours
void *allocate(std::size_t size);                     // palloc behind the gate

template <> struct Sql<bool> {
    static constexpr Oid type = BOOLOID, array_type = BOOLARRAYOID;
    static constexpr int length = 1;
    static constexpr bool by_value = true;
    static constexpr char align = 'c';
    static bool from(Datum value) { return DatumGetBool(value); }
    static Datum to(bool value) { return BoolGetDatum(value); }
};

template <> struct Sql<std::int32_t> {
    static constexpr Oid type = INT4OID, array_type = INT4ARRAYOID;
    static constexpr int length = 4;
    static constexpr bool by_value = true;
    static constexpr char align = 'i';
    static std::int32_t from(Datum value) { return DatumGetInt32(value); }
    static Datum to(std::int32_t value) { return Int32GetDatum(value); }
};

// 64-bit values travel in the Datum itself: the engine supports 64-bit platforms only.
static_assert(sizeof(Datum) == 8);

template <> struct Sql<std::int64_t> {
    static constexpr Oid type = INT8OID, array_type = INT8ARRAYOID;
    static constexpr int length = 8;
    static constexpr bool by_value = true;
    static constexpr char align = 'd';
    static std::int64_t from(Datum value) { return DatumGetInt64(value); }
    static Datum to(std::int64_t value) { return Int64GetDatum(value); }
};

template <> struct Sql<double> {
    static constexpr Oid type = FLOAT8OID, array_type = FLOAT8ARRAYOID;
    static constexpr int length = 8;
    static constexpr bool by_value = true;
    static constexpr char align = 'd';
    static double from(Datum value) { return DatumGetFloat8(value); }
    static Datum to(double value) { return Float8GetDatum(value); }
};

// timestamptz. The infinities are instant_min and instant_max.
template <> struct Sql<core::Instant> {
    static constexpr Oid type = TIMESTAMPTZOID, array_type = TIMESTAMPTZARRAYOID;
    static constexpr int length = 8;
    static constexpr bool by_value = true;
    static constexpr char align = 'd';
    static core::Instant from(Datum value) { return {DatumGetTimestampTz(value)}; }
    static Datum to(core::Instant value) { return TimestampTzGetDatum(value.micros); }
};

template <> struct Sql<core::LocalTime> {
    static constexpr Oid type = TIMESTAMPOID, array_type = TIMESTAMPARRAYOID;
    static constexpr int length = 8;
    static constexpr bool by_value = true;
    static constexpr char align = 'd';
    static core::LocalTime from(Datum value) { return {DatumGetTimestamp(value)}; }
    static Datum to(core::LocalTime value) { return TimestampGetDatum(value.micros); }
};

template <> struct Sql<core::Day> {
    static constexpr Oid type = DATEOID, array_type = DATEARRAYOID;
    static constexpr int length = 4;
    static constexpr bool by_value = true;
    static constexpr char align = 'i';
    static core::Day from(Datum value) { return {DatumGetDateADT(value)}; }
    static Datum to(core::Day value) { return DateADTGetDatum(value.days); }
};

template <> struct Sql<TimeOfDay> {
    static constexpr Oid type = TIMEOID, array_type = TIMEARRAYOID;
    static constexpr int length = 8;
    static constexpr bool by_value = true;
    static constexpr char align = 'd';
    static TimeOfDay from(Datum value) { return {DatumGetTimeADT(value)}; }
    static Datum to(TimeOfDay value) { return TimeADTGetDatum(value.micros); }
};

// interval, as elapsed time.
template <> struct Sql<core::Duration> {
    static constexpr Oid type = INTERVALOID, array_type = INTERVALARRAYOID;
    static constexpr int length = 16;
    static constexpr bool by_value = false;
    static constexpr char align = 'd';
    static core::Duration from(Datum value) { return duration_of(*DatumGetIntervalP(value)); }
    static Datum to(core::Duration value) {
        auto *interval = static_cast<Interval *>(allocate(sizeof(Interval)));
        *interval = Interval{value.micros, 0, 0};
        return IntervalPGetDatum(interval);
    }
};

template <> struct Sql<Uuid> {
    static constexpr Oid type = UUIDOID, array_type = UUIDARRAYOID;
    static constexpr int length = 16;
    static constexpr bool by_value = false;
    static constexpr char align = 'c';
    static Uuid from(Datum value) {
        Uuid id;
        std::memcpy(id.bytes.data(), DatumGetPointer(value), id.bytes.size());
        return id;
    }
    static Datum to(const Uuid &id) {
        void *copy = allocate(id.bytes.size());
        std::memcpy(copy, id.bytes.data(), id.bytes.size());
        return PointerGetDatum(copy);
    }
};

template <> struct Sql<std::string> {
    static constexpr Oid type = TEXTOID, array_type = TEXTARRAYOID;
    static constexpr int length = -1;
    static constexpr bool by_value = false;
    static constexpr char align = 'i';
    static std::string from(Datum value) { return text_of(value); }
    static Datum to(const std::string &text) { return text_datum(text); }
};

template <> struct Sql<std::string_view> {
    static constexpr Oid type = TEXTOID, array_type = TEXTARRAYOID;
    static constexpr int length = -1;
    static constexpr bool by_value = false;
    static constexpr char align = 'i';
    static std::string_view from(Datum value) { return text_view(value); }
    static Datum to(std::string_view text) { return text_datum(text); }
};

template <> struct Sql<const char *> {
    static constexpr Oid type = TEXTOID;
    static Datum to(const char *text) { return text_datum(text); }
};

template <> struct Sql<Bytes> {
    static constexpr Oid type = BYTEAOID, array_type = BYTEAARRAYOID;
    static constexpr int length = -1;
    static constexpr bool by_value = false;
    static constexpr char align = 'i';
    // A bytea is stored as a text is.
    static Bytes from(Datum value) { return {text_of(value)}; }
    static Datum to(const Bytes &value) { return text_datum(value.bytes); }
};

template <> struct Sql<Json> {
    static constexpr Oid type = JSONBOID, array_type = JSONBARRAYOID;
    static constexpr int length = -1;
    static constexpr bool by_value = false;
    static constexpr char align = 'i';
    static Json from(Datum value);
    static Datum to(const Json &json);
};

// An array taken apart; the memory belongs to the current context.
struct Elements {
    Datum *values;
    bool *nulls;
    int count;
};

Elements take_apart(Datum array, Oid type, int length, bool by_value, char align);
Datum put_together(Datum *values, int count, Oid type, int length, bool by_value, char align);

template <class T> struct Sql<std::vector<T>> {
    using Element = Sql<T>;
    static constexpr Oid type = Element::array_type;

    static std::vector<T> from(Datum array) {
        const Elements e = take_apart(array, Element::type, Element::length, Element::by_value, Element::align);
        std::vector<T> out;
        out.reserve(static_cast<std::size_t>(e.count));
        for (int i = 0; i < e.count; ++i) {
            if (e.nulls != nullptr && e.nulls[i])
                fail(ERRCODE_NULL_VALUE_NOT_ALLOWED, "array elements must not be null", "The array has a null.",
                     "Leave the nulls out of the array.");
            out.push_back(Element::from(e.values[i]));
        }
        return out;
    }

    static Datum to(const std::vector<T> &items) {
        auto *values = static_cast<Datum *>(allocate(sizeof(Datum) * std::max<std::size_t>(items.size(), 1)));
        for (std::size_t i = 0; i < items.size(); ++i)
            values[i] = Element::to(items[i]);
        return put_together(values, static_cast<int>(items.size()), Element::type, Element::length, Element::by_value,
                            Element::align);
    }
};

// A value for SQL, null or not. Makes Datums out of T and of std::optional<T> alike.
struct NullableValue {
    Datum value = 0;
    bool is_null = true;
};

template <class T> inline constexpr bool is_optional = false;
template <class T> inline constexpr bool is_optional<std::optional<T>> = true;

template <class T> NullableValue nullable(const T &value) {
    if constexpr (is_optional<T>)
        return value ? nullable(*value) : NullableValue{};
    else
        return {Sql<std::decay_t<const T>>::to(value), false};
}

// A value of T in the server's form already, which lives as long as it is needed.
template <class T> struct Made { Datum value; };
template <class T> struct Sql<Made<T>> {
    static constexpr Oid type = Sql<T>::type;
    static Datum to(const Made<T> &made) { return made.value; }
};

template <class T> struct TypeOf { static constexpr Oid oid = Sql<std::decay_t<const T>>::type; };
template <class T> struct TypeOf<std::optional<T>> : TypeOf<T> {};

// The arguments of an SQL function.
class Args {
  public:
    explicit Args(FunctionCallInfo fcinfo) : fcinfo_(fcinfo) {}

    int count() const { return fcinfo_->nargs; }
    bool is_null(int i) const { return i >= fcinfo_->nargs || fcinfo_->args[i].isnull; }
    Datum datum(int i) const { return fcinfo_->args[i].value; }

    // An argument that cannot be null, of a STRICT function.
    template <class T> T get(int i) const { return Sql<T>::from(datum(i)); }

    template <class T> std::optional<T> optional(int i) const {
        return is_null(i) ? std::nullopt : std::optional<T>(Sql<T>::from(datum(i)));
    }

    template <class T> T get_or(int i, T otherwise) const { return is_null(i) ? std::move(otherwise) : get<T>(i); }

    // An argument that may not be null; the error names it.
    template <class T> T required(int i, const char *name) const {
        if (is_null(i))
            fail(ERRCODE_NULL_VALUE_NOT_ALLOWED, std::string("argument \"") + name + "\" must not be null",
                 std::string("The argument is ") + name + ".",
                 std::string("Pass a value by name, as in ") + name + " => ... .", name);
        return get<T>(i);
    }

  private:
    FunctionCallInfo fcinfo_;
};

// Returns a value, or null, from an SQL function.
template <class T> Datum returning(FunctionCallInfo fcinfo, const T &value) {
    const NullableValue result = nullable(value);
    fcinfo->isnull = result.is_null;
    return result.value;
}

Datum returning_null(FunctionCallInfo fcinfo);

// Refuse infinite dates and times, and those outside the years 1 to 9999; the error names the argument.
core::Instant finite(core::Instant value, const char *name);
core::LocalTime finite(core::LocalTime value, const char *name);
core::Day finite(core::Day value, const char *name);

} // namespace pg_clinic::pg
