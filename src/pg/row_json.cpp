// Rows as JSON: see row_json.hpp.
#include "pg/row_json.hpp"

#include "pg/datum.hpp"
#include "pg/jsonb_bytes.hpp"

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
    // A lambda, not a function: it is called for each character, and that one is compiled into the loop.
    constexpr auto is_escaped = [](char c) { return c == '"' || c == '\\' || static_cast<unsigned char>(c) < 0x20; };
    out += '"';
    for (;;) {
        const auto plain = static_cast<std::size_t>(std::find_if(text.begin(), text.end(), is_escaped) - text.begin());
        out += text.substr(0, plain);
        if (plain == text.size())
            break;
        const char c = text[plain];
        text.remove_prefix(plain + 1);
        const auto byte = static_cast<unsigned char>(c);
        out += '\\';
        if (c == '"' || c == '\\') {
            out += c;
        } else if (const char *letter = std::strchr("\bb\ff\nn\rr\tt", c); letter != nullptr && byte != 0) {
            out += letter[1];
        } else {
            out += "u00";
            out += digits[byte >> 4];
            out += digits[byte & 15];
        }
    }
    out += '"';
}

// A row that is being written: as text, and as the jsonb that the text is of.
struct Writing {
    explicit Writing(std::size_t members) : bytes(members) { text.reserve(512); }

    void string(std::string_view value) {
        quote(text, value);
        bytes.string(value);
    }

    std::string text = "{";
    JsonbBytes bytes;
};

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

void put_integer(Writing &out, std::int64_t value) {
    std::array<char, 24> buffer{};
    const auto end = std::to_chars(buffer.data(), buffer.data() + buffer.size(), value).ptr;
    out.text.append(buffer.data(), end);
    out.bytes.number(pg_call([value] { return NumericGetDatum(int64_to_numeric(value)); }));
}

// NaN and the infinities are no numbers of JSON's.
void put_numeric(Writing &out, Datum value) {
    const std::string_view text = pg_call(
        [value] { return static_cast<const char *>(DatumGetCString(DirectFunctionCall1(numeric_out, value))); });
    if (text.back() < '0' || text.back() > '9') {
        out.string(text);
        return;
    }
    out.text += text;
    out.bytes.number(value);
}

template <class T, class Print> void put_float(Writing &out, T value, Print print) {
    if (!(value == value && value <= std::numeric_limits<T>::max() && value >= std::numeric_limits<T>::lowest())) {
        out.string(value != value ? "NaN" : value > 0 ? "Infinity" : "-Infinity");
        return;
    }
    char buffer[64];
    buffer[print(value, buffer)] = '\0';
    // As numeric, which jsonb keeps, prints it: without an exponent, and with one zero only.
    const char *text = buffer;
    put_numeric(out, pg_call([text] {
                    return DirectFunctionCall3(numeric_in, CStringGetDatum(text), ObjectIdGetDatum(InvalidOid),
                                               Int32GetDatum(-1));
                }));
}

void put_jsonb(Writing &out, Datum value) {
    out.text += Sql<Json>::from(value).text;
    out.bytes.jsonb(value);
}

void put_value(Writing &out, const JsonType &type, Kind kind, Datum value);

void put_array(Writing &out, const JsonType &type, Datum value) {
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
        out.string(output_text(F_ARRAY_OUT, value));
        return;
    }
    out.text += '[';
    out.bytes.begin_array(static_cast<std::size_t>(parts.count));
    for (int i = 0; i < parts.count; ++i) {
        if (i > 0)
            out.text += ", ";
        if (parts.nulls[i]) {
            out.text += "null";
            out.bytes.null();
        } else {
            put_value(out, type, type.element, parts.values[i]);
        }
    }
    out.text += ']';
    out.bytes.end_array();
}

// {"hidden": true} as jsonb, made once in a backend.
Datum hidden_jsonb() {
    static constinit Datum made = 0;
    if (made == 0) {
        JsonbBytes object(1);
        object.string("hidden");
        object.boolean(true);
        static const std::string kept = object.finish();
        made = PointerGetDatum(kept.data());
    }
    return made;
}

void put_value(Writing &out, const JsonType &type, Kind kind, Datum value) {
    switch (kind) {
    case Kind::hidden:
        out.text += hidden_value;
        out.bytes.jsonb(hidden_jsonb());
        return;
    case Kind::boolean:
        out.text += DatumGetBool(value) ? "true" : "false";
        out.bytes.boolean(DatumGetBool(value));
        return;
    case Kind::int2:
        put_integer(out, DatumGetInt16(value));
        return;
    case Kind::int4:
        put_integer(out, DatumGetInt32(value));
        return;
    case Kind::int8:
        put_integer(out, DatumGetInt64(value));
        return;
    case Kind::float4:
        put_float(out, DatumGetFloat4(value), [](float v, char *b) { return float_to_shortest_decimal_bufn(v, b); });
        return;
    case Kind::float8:
        put_float(out, DatumGetFloat8(value), [](double v, char *b) { return double_to_shortest_decimal_bufn(v, b); });
        return;
    case Kind::numeric:
        put_numeric(out, value);
        return;
    case Kind::text:
        out.string(text_view(value));
        return;
    case Kind::name:
        out.string(NameStr(*DatumGetName(value)));
        return;
    case Kind::uuid:
        out.string(to_text(Sql<Uuid>::from(value)));
        return;
    case Kind::time:
        out.string(time_text(type.type, value));
        return;
    case Kind::json:
        put_jsonb(out, Sql<Json>::to(Json{std::string(text_view(value))}));
        return;
    case Kind::jsonb:
        put_jsonb(out, value);
        return;
    case Kind::array:
        put_array(out, type, value);
        return;
    case Kind::other: {
        const IsoStyles styles;
        out.string(output_text(type.output, value));
        return;
    }
    }
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
    if (type.kind == Kind::uuid)
        return to_text(Sql<Uuid>::from(value));
    Writing out(0);
    out.text.clear();
    put_value(out, type, type.kind, value);
    if (out.text.size() >= 2 && out.text.front() == '"')
        return out.text.substr(1, out.text.size() - 2);
    return out.text;
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

RowJson::Object RowJson::object(std::span<const JsonColumn *const> columns, const Datum *values,
                                const bool *nulls) const {
    Writing out(columns.size());
    for (const JsonColumn *column : columns)
        out.bytes.string(column->name);
    for (const JsonColumn *column : columns) {
        const int i = column->number - 1;
        out.text += out.text.size() > 1 ? ", " : "";
        out.text += column->key;
        if (nulls[i]) {
            out.text += "null";
            out.bytes.null();
        } else {
            put_value(out, column->type, column->type.kind, values[i]);
        }
    }
    out.text += '}';
    return {std::move(out.text), out.bytes.finish()};
}

RowJson::Object RowJson::whole(const Datum *values, const bool *nulls) const {
    std::vector<const JsonColumn *> there;
    there.reserve(columns_.size());
    for (const JsonColumn &column : columns_)
        if (!column.left_out && !nulls[column.number - 1])
            there.push_back(&column);
    return object(there, values, nulls);
}

std::optional<RowJson::Pair> RowJson::changes(const Datum *old_values, const bool *old_nulls, const Datum *values,
                                              const bool *nulls) const {
    std::vector<const JsonColumn *> changed;
    for (const JsonColumn &column : columns_) {
        const int i = column.number - 1;
        if (old_nulls[i] == nulls[i] && (nulls[i] || pg_call([=, &column] {
                                             return datum_image_eq(old_values[i], values[i], column.by_value,
                                                                   column.length);
                                         })))
            continue;
        changed.push_back(&column);
    }
    if (changed.empty())
        return std::nullopt;
    return Pair{object(changed, old_values, old_nulls), object(changed, values, nulls)};
}

} // namespace pg_clinic::pg
