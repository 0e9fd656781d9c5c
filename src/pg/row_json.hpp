// Rows as JSON, for the audit: changed columns only, the same text whatever the session's settings are, and no word of what a column
// holds that is encrypted or secret.
//
// Numbers and booleans are JSON's own; NaN and the infinities are strings. Dates and times are ISO 8601, instants in UTC. Arrays of
// one dimension are JSON arrays, json stands as jsonb does, and everything else (enums, ranges, composites) is a string as
// PostgreSQL prints it with the ISO styles. What a hidden column holds is {"hidden": true}; that it is null may be seen.
#pragma once

#include "pg/boundary.hpp"
#include "pg/postgres.hpp"

namespace pg_clinic::pg {

// How values of a type are written.
struct JsonType {
    enum class Kind : std::uint8_t {
        hidden,
        boolean,
        int2,
        int4,
        int8,
        float4,
        float8,
        numeric,
        text,
        name,
        uuid,
        time,
        json,
        jsonb,
        array,
        other
    };
    Kind kind = Kind::other;
    Oid type = InvalidOid; // base type; of an array that of its elements
    Oid output = InvalidOid;
    // Of an array, of its elements:
    Kind element = Kind::other;
    std::int16_t length = 0;
    bool by_value = false;
    char align = 'i';
};

struct JsonColumn {
    AttrNumber number;
    bool left_out;       // the key and the tenant, which the record names anyway
    std::int16_t length; // of the column
    bool by_value;
    JsonType type;
    std::string name = {};
    std::string key = {}; // as it stands in the text: "name":
};

// The columns of a row, prepared. The text is the very one that PostgreSQL prints of it as jsonb: names by length and then by bytes,
// numbers as numeric has them.
class RowJson {
  public:
    // secrets: names of columns to be hidden; all of type bytea, and of the domain clinic_data.encrypted, are so anyway. "*" hides
    // every column that is not a uuid, a boolean or a timestamptz, but for those named with a "-" before.
    RowJson(TupleDesc row, const std::vector<std::string> &secrets, const std::vector<AttrNumber> &left_out);

    // A JSON object, and the jsonb that it is: as it is stored, for a Datum that points to its first byte.
    struct Object {
        std::string text;
        std::string stored;
    };

    // Of the columns that are not null.
    Object whole(const Datum *values, const bool *nulls) const;

    // Of the columns that differ; nothing when none does.
    struct Pair {
        Object before;
        Object after;
    };
    std::optional<Pair> changes(const Datum *old_values, const bool *old_nulls, const Datum *values,
                                const bool *nulls) const;

  private:
    Object object(std::span<const JsonColumn *const> columns, const Datum *values, const bool *nulls) const;

    std::vector<JsonColumn> columns_;
};

// A value as text, as in JSON but without quotes: for keys.
std::string key_text(const JsonType &type, Datum value);
JsonType json_type(Oid type);

} // namespace pg_clinic::pg
