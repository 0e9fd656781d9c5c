// Rows as JSON: see row_json.hpp.
#include "pg/row_json.hpp"

#include "pg/datum.hpp"

extern "C" {
#include "common/shortest_dec.h"
#include "utils/datetime.h"
#include "utils/datum.h"
#include "utils/float.h"
#include "utils/fmgroids.h"
#include "utils/json.h"
#include "utils/syscache.h"
}

namespace pg_clinic::pg {

namespace {

using Kind = JsonType::Kind;

constexpr std::string_view hidden_value = R"({"hidden": true})";

// Types are printed with settings of our own.
class IsoStyles {
  public:
    IsoStyles() {
        DateStyle = USE_ISO_DATES;
        DateOrder = DATEORDER_YMD;
        IntervalStyle = INTSTYLE_ISO_8601;
        extra_float_digits = 1;
        session_timezone = pg_call([] { return pg_tzset("UTC"); });
    }
    ~IsoStyles() {
        DateStyle = style_;
        DateOrder = order_;
        IntervalStyle = interval_;
        extra_float_digits = digits_;
        session_timezone = zone_;
    }
    IsoStyles(const IsoStyles &) = delete;
    IsoStyles &operator=(const IsoStyles &) = delete;

  private:
    int style_ = DateStyle, order_ = DateOrder, interval_ = IntervalStyle, digits_ = extra_float_digits;
    pg_tz *zone_ = session_timezone;
};

Kind kind_of(Oid base) {
    switch (base) {
    case BOOLOID:
        return Kind::boolean;
    case INT2OID:
        return Kind::int2;
    case INT4OID:
        return Kind::int4;
    case INT8OID:
        return Kind::int8;
    case FLOAT4OID:
        return Kind::float4;
    case FLOAT8OID:
        return Kind::float8;
    case NUMERICOID:
        return Kind::numeric;
    case TEXTOID:
    case VARCHAROID:
    case BPCHAROID:
        return Kind::text;
    case NAMEOID:
        return Kind::name;
    case UUIDOID:
        return Kind::uuid;
    case DATEOID:
    case TIMEOID:
    case TIMETZOID:
    case TIMESTAMPOID:
    case TIMESTAMPTZOID:
        return Kind::time;
    case JSONOID:
        return Kind::json;
    case JSONBOID:
        return Kind::jsonb;
    case BYTEAOID:
        return Kind::hidden;
    default:
        return Kind::other;
    }
}

// The domain of encrypted values, or nothing where there is none.
Oid encrypted_domain() {
    return pg_call([]() -> Oid {
        const Oid schema = get_namespace_oid("clinic_data", true);
        if (!OidIsValid(schema))
            return InvalidOid;
        return GetSysCacheOid2(TYPENAMENSP, Anum_pg_type_oid, CStringGetDatum("encrypted"), ObjectIdGetDatum(schema));
    });
}

// The type below a domain, or nothing for a type that is none.
Oid domain_base(Oid type) {
    return pg_call([type]() -> Oid {
        HeapTuple found = SearchSysCache1(TYPEOID, ObjectIdGetDatum(type));
        if (!HeapTupleIsValid(found))
            return InvalidOid;
        const auto *row = reinterpret_cast<Form_pg_type>(GETSTRUCT(found));
        const Oid base = row->typtype == TYPTYPE_DOMAIN ? row->typbasetype : InvalidOid;
        ReleaseSysCache(found);
        return base;
    });
}

// The base type of a domain, or nothing when one of the domains on the way is that of encrypted values.
Oid base_unless_encrypted(Oid type) {
    const Oid encrypted = encrypted_domain();
    for (;;) {
        if (type == encrypted && OidIsValid(encrypted))
            return InvalidOid;
        const Oid below = domain_base(type);
        if (!OidIsValid(below))
            return type;
        type = below;
    }
}

void quote(std::string &out, std::string_view text) {
    constexpr char digits[] = "0123456789abcdef";
    out += '"';
    for (const char c : text) {
        const auto byte = static_cast<unsigned char>(c);
        if (c == '"' || c == '\\') {
            out += '\\';
            out += c;
        } else if (const char *letter = std::strchr("\bb\ff\nn\rr\tt", c);
                   letter != nullptr && byte < 0x20 && byte != 0) {
            out += '\\';
            out += letter[1];
        } else if (byte < 0x20) {
            out += "\\u00";
            out += digits[byte >> 4];
            out += digits[byte & 15];
        } else {
            out += c;
        }
    }
    out += '"';
}

std::string output_text(Oid function, Datum value) {
    return pg_call([function, value] { return static_cast<const char *>(OidOutputFunctionCall(function, value)); });
}

std::string time_text(Oid type, Datum value) {
    char buffer[MAXDATELEN + 1];
    pg_call([&buffer, type, value] {
        const int utc = 0;
        JsonEncodeDateTime(buffer, value, type, type == TIMESTAMPTZOID ? &utc : nullptr);
    });
    return buffer;
}

// A number as it is printed, or a string when JSON has no such number.
void put_number(std::string &out, std::string_view text) {
    const bool number = !text.empty() && (text.back() >= '0' && text.back() <= '9');
    if (number)
        out += text;
    else
        quote(out, text);
}

template <class T, class Print> void put_float(std::string &out, T value, Print print) {
    char buffer[64];
    if (value == value && value <= std::numeric_limits<T>::max() && value >= std::numeric_limits<T>::lowest()) {
        const std::string_view text(buffer, static_cast<std::size_t>(print(value, buffer)));
        // As numeric, which jsonb keeps, prints it: without an exponent, and with one zero only.
        if (text == "-0")
            out += '0';
        else if (text.find('e') == std::string_view::npos)
            out += text;
        else
            out += Sql<Json>::from(Sql<Json>::to(Json{std::string(text)})).text;
    } else
        out += value != value ? "\"NaN\"" : value > 0 ? "\"Infinity\"" : "\"-Infinity\"";
}

void put_value(std::string &out, const JsonType &type, Kind kind, Datum value);

void put_array(std::string &out, const JsonType &type, Datum value) {
    struct Parts {
        Datum *values;
        bool *nulls;
        int count;
        int dimensions;
    };
    const Parts parts = pg_call([&type, value] {
        Parts p{};
        ArrayType *array = DatumGetArrayTypeP(value);
        p.dimensions = ARR_NDIM(array);
        if (p.dimensions == 1)
            deconstruct_array(array, ARR_ELEMTYPE(array), type.length, type.by_value, type.align, &p.values, &p.nulls,
                              &p.count);
        return p;
    });
    if (parts.dimensions > 1) {
        const IsoStyles styles;
        quote(out, output_text(F_ARRAY_OUT, value));
        return;
    }
    out += '[';
    for (int i = 0; i < parts.count; ++i) {
        if (i > 0)
            out += ", ";
        if (parts.nulls[i])
            out += "null";
        else
            put_value(out, type, type.element, parts.values[i]);
    }
    out += ']';
}

void put_value(std::string &out, const JsonType &type, Kind kind, Datum value) {
    switch (kind) {
    case Kind::hidden:
        out += hidden_value;
        return;
    case Kind::boolean:
        out += DatumGetBool(value) ? "true" : "false";
        return;
    case Kind::int2:
        out += std::to_string(DatumGetInt16(value));
        return;
    case Kind::int4:
        out += std::to_string(DatumGetInt32(value));
        return;
    case Kind::int8:
        out += std::to_string(DatumGetInt64(value));
        return;
    case Kind::float4:
        put_float(out, DatumGetFloat4(value), [](float v, char *b) { return float_to_shortest_decimal_bufn(v, b); });
        return;
    case Kind::float8:
        put_float(out, DatumGetFloat8(value), [](double v, char *b) { return double_to_shortest_decimal_bufn(v, b); });
        return;
    case Kind::numeric:
        put_number(out, output_text(F_NUMERIC_OUT, value));
        return;
    case Kind::text:
        quote(out, text_view(value));
        return;
    case Kind::name:
        quote(out, NameStr(*DatumGetName(value)));
        return;
    case Kind::uuid:
        out += '"';
        out += to_text(Sql<Uuid>::from(value));
        out += '"';
        return;
    case Kind::time:
        quote(out, time_text(type.type, value));
        return;
    case Kind::json:
        out += Sql<Json>::from(Sql<Json>::to(Json{std::string(text_view(value))})).text;
        return;
    case Kind::jsonb:
        out += Sql<Json>::from(value).text;
        return;
    case Kind::array:
        put_array(out, type, value);
        return;
    case Kind::other: {
        const IsoStyles styles;
        quote(out, output_text(type.output, value));
        return;
    }
    }
}

void put_member(std::string &out, const JsonColumn &column, Datum value, bool is_null) {
    out += out.size() > 1 ? ", " : "";
    out += column.key;
    if (is_null)
        out += "null";
    else
        put_value(out, column.type, column.type.kind, value);
}

} // namespace

JsonType json_type(Oid type) {
    JsonType out;
    const Oid base = base_unless_encrypted(type);
    pg_call([&out, type] { get_typlenbyvalalign(type, &out.length, &out.by_value, &out.align); });
    if (!OidIsValid(base)) {
        out.kind = Kind::hidden;
        return out;
    }
    out.type = base;
    out.kind = kind_of(base);
    if (out.kind != Kind::other)
        return out;
    bool variable = false;
    pg_call([&out, base, &variable] { getTypeOutputInfo(base, &out.output, &variable); });
    const Oid element = pg_call([base] { return get_element_type(base); });
    if (OidIsValid(element)) {
        const JsonType inner = json_type(element);
        if (inner.kind == Kind::array)
            return out;
        const Oid output = inner.output;
        out = inner;
        out.element = inner.kind;
        out.kind = inner.kind == Kind::hidden ? Kind::hidden : Kind::array;
        out.output = output;
    }
    return out;
}

std::string key_text(const JsonType &type, Datum value) {
    if (type.kind == Kind::text)
        return std::string(text_view(value));
    std::string out;
    put_value(out, type, type.kind, value);
    if (out.size() >= 2 && out.front() == '"')
        out = out.substr(1, out.size() - 2);
    return out;
}

namespace {

// What "*" leaves to be seen: ids, flags and instants tell nobody's name.
bool tells_nothing(Kind kind, Oid base) {
    return kind == Kind::uuid || kind == Kind::boolean || base == TIMESTAMPTZOID;
}

bool is_secret(const std::vector<std::string> &secrets, const std::string &name, const JsonType &type) {
    const auto holds = [&secrets](const std::string &word) {
        return std::find(secrets.begin(), secrets.end(), word) != secrets.end();
    };
    return holds(name) || (holds("*") && !holds("-" + name) && !tells_nothing(type.kind, type.type));
}

} // namespace

RowJson::RowJson(TupleDesc row, const std::vector<std::string> &secrets, const std::vector<AttrNumber> &left_out) {
    const auto holds = [](const auto &list, const auto &wanted) {
        return std::find(list.begin(), list.end(), wanted) != list.end();
    };
    for (int i = 0; i < row->natts; ++i) {
        const Form_pg_attribute attribute = TupleDescAttr(row, i);
        if (attribute->attisdropped)
            continue;
        JsonColumn column{attribute->attnum,   holds(left_out, attribute->attnum), attribute->attlen,
                          attribute->attbyval, json_type(attribute->atttypid),     {}};
        if (is_secret(secrets, NameStr(attribute->attname), column.type))
            column.type.kind = Kind::hidden;
        quote(column.key, NameStr(attribute->attname));
        column.key += ": ";
        column.name = NameStr(attribute->attname);
        columns_.push_back(std::move(column));
    }
    std::sort(columns_.begin(), columns_.end(), [](const JsonColumn &a, const JsonColumn &b) {
        return a.name.size() != b.name.size() ? a.name.size() < b.name.size() : a.name < b.name;
    });
}

std::string RowJson::whole(const Datum *values, const bool *nulls) const {
    std::string out = "{";
    for (const JsonColumn &column : columns_) {
        const int i = column.number - 1;
        if (!column.left_out && !nulls[i])
            put_member(out, column, values[i], false);
    }
    return out += '}';
}

RowJson::Pair RowJson::changes(const Datum *old_values, const bool *old_nulls, const Datum *values,
                               const bool *nulls) const {
    Pair out;
    for (const JsonColumn &column : columns_) {
        const int i = column.number - 1;
        if (old_nulls[i] == nulls[i] && (nulls[i] || pg_call([=, &column] {
                                             return datum_image_eq(old_values[i], values[i], column.type.by_value,
                                                                   column.type.length);
                                         })))
            continue;
        if (out.before.empty())
            out.before = out.after = "{";
        put_member(out.before, column, old_values[i], old_nulls[i]);
        put_member(out.after, column, values[i], nulls[i]);
    }
    if (!out.before.empty()) {
        out.before += '}';
        out.after += '}';
    }
    return out;
}

} // namespace pg_clinic::pg
