// A jsonb object as it is stored, written value by value, without a tree of what is in it.
//
// What jsonb_in makes of the same text, at a fraction of its cost. The form is PostgreSQL's (utils/jsonb.h), the same since 9.4.
// An object's names come first, in the order of jsonb (by length, then by bytes), then its values in that order. Raises 54000 where
// it gets too long for jsonb.
#pragma once

#include "pg/postgres.hpp"

namespace pg_clinic::pg {

class JsonbBytes {
  public:
    // Begins the object of so many members. After it come as many calls of string() for the names, then the values.
    explicit JsonbBytes(std::size_t members);

    void null() { add(JENTRY_ISNULL, 0); }
    void boolean(bool value) { add(value ? JENTRY_ISBOOL_TRUE : JENTRY_ISBOOL_FALSE, 0); }
    void string(std::string_view text);
    void number(Datum numeric); // neither NaN nor infinite
    void jsonb(Datum value);    // whatever it holds

    // An array of so many values, none of which is an array.
    void begin_array(std::size_t elements);
    void end_array();

    // The object as it is stored: a varlena, for a Datum that points to its first byte.
    std::string finish();

  private:
    // An object or array that is being written.
    struct Container {
        std::size_t entries = 0; // where its entries stand
        std::uint32_t index = 0; // of the next one
        std::size_t total = 0;   // length of what they tell of so far
    };

    void open(std::uint32_t header, std::size_t entries);
    void pad();
    void add(std::uint32_t type, std::size_t length);

    std::string out_;
    Container present_, outer_;
    std::size_t array_start_ = 0;
};

} // namespace pg_clinic::pg
