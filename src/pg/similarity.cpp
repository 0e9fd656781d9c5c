// How alike names and records of patients are, as SQL has it. The core works on UTF-8, so texts of a database in another encoding are
// converted on their way.
#include "core/similarity.hpp"
#include "core/civil.hpp"
#include "pg/datum.hpp"
#include "pg/result.hpp"
#include "pg/scan.hpp"

namespace pg_clinic::pg {

namespace {

std::string to_utf8(std::string_view text) {
    const char *converted =
        pg_call([&] { return pg_server_to_any(text.data(), static_cast<int>(text.size()), PG_UTF8); });
    return converted == text.data() ? std::string(text) : std::string(converted);
}

std::string from_utf8(const std::string &text) {
    const char *converted =
        pg_call([&] { return pg_any_to_server(text.c_str(), static_cast<int>(text.size()), PG_UTF8); });
    return converted;
}

std::string folded(const Args &args, int number) {
    return core::fold_name(to_utf8(args.get<std::string_view>(number)));
}

// Strategies of the operator class of pg_trgm: %, and %> with the name on the left.
constexpr StrategyNumber similar_strategy = 1;
constexpr StrategyNumber word_similar_strategy = 7;
// Names that fit less are not what was looked for.
constexpr double least_fit = 0.75;

struct Candidate {
    Uuid patient;
    double fit;
};

// Names of the tenant that the index holds to be like the query, by one of the two operators.
void find_names(const Uuid &tenant, const std::string &query, StrategyNumber strategy, std::vector<Candidate> &found) {
    const std::string wanted = to_utf8(query);
    IndexScan scan("patients", "patients_name_key_idx");
    scan.where("tenant_id", BTEqualStrategyNumber, tenant);
    scan.where("name_key", strategy, std::string_view(query));
    const auto id = scan.column<Uuid>("patient_id");
    const auto name = scan.column<std::string_view>("name_key");
    scan.start(Sight::snapshot);
    while (scan.next()) {
        const double fit = core::query_similarity(wanted, to_utf8(scan.get(name)));
        if (fit >= least_fit)
            found.push_back({scan.get(id), fit});
    }
}

core::PlainDate plain(core::Day day) {
    const core::CivilDate date = core::to_civil(day);
    return {date.year, date.month, date.day};
}

} // namespace

} // namespace pg_clinic::pg

using namespace pg_clinic;
using namespace pg_clinic::pg;

// clinic_private.fold_name(text)
CLINIC_FUNCTION(clinic_fold_name) {
    const Args args(fcinfo);
    return text_datum(from_utf8(folded(args, 0)));
}

// clinic_private.sound_keys(text)
CLINIC_FUNCTION(clinic_sound_keys) {
    const std::string name = folded(Args(fcinfo), 0);
    std::vector<std::string> keys;
    for (const std::string_view word : core::name_words(name))
        keys.push_back(from_utf8(core::sound_key(word)));
    std::erase(keys, std::string{});
    std::sort(keys.begin(), keys.end());
    keys.erase(std::unique(keys.begin(), keys.end()), keys.end());
    return returning(fcinfo, keys);
}

// clinic_private.name_similarity(text, text)
CLINIC_FUNCTION(clinic_name_similarity) {
    const Args args(fcinfo);
    return returning(fcinfo, core::name_similarity(folded(args, 0), folded(args, 1)));
}

// clinic_private.jaro_winkler(text, text)
CLINIC_FUNCTION(clinic_jaro_winkler) {
    const Args args(fcinfo);
    return returning(
        fcinfo, core::jaro_winkler(to_utf8(args.get<std::string_view>(0)), to_utf8(args.get<std::string_view>(1))));
}

// clinic_private.match_score(name_a, name_b, born_a, born_b, email, phone, identifier, weights)
CLINIC_FUNCTION(clinic_match_score) {
    const Args args(fcinfo);
    core::PatientComparison facts;
    if (!args.is_null(0) && !args.is_null(1))
        facts.name = core::name_similarity(folded(args, 0), folded(args, 1));
    if (!args.is_null(2) && !args.is_null(3))
        facts.date_of_birth = core::date_similarity(plain(finite(args.get<core::Day>(2), "born_a")),
                                                    plain(finite(args.get<core::Day>(3), "born_b")));
    facts.email = args.optional<bool>(4);
    facts.phone = args.optional<bool>(5);
    facts.identifier = args.optional<bool>(6);
    const auto weights = args.required<std::vector<double>>(7, "weights");
    if (weights.size() != 6)
        fail(ERRCODE_INVALID_PARAMETER_VALUE, "there are six weights",
             "In their order: name, date_of_birth, email, phone, identifier, evidence.", "Pass six numbers.",
             "weights");
    return returning(fcinfo, core::match_score(facts, {.name = weights[0],
                                                       .date_of_birth = weights[1],
                                                       .email = weights[2],
                                                       .phone = weights[3],
                                                       .identifier = weights[4],
                                                       .evidence = weights[5]}));
}

// clinic_private.name_candidates(tenant_id, query, at_most)
CLINIC_FUNCTION(clinic_name_candidates) {
    const Args args(fcinfo);
    const auto tenant = args.get<Uuid>(0);
    const std::string query = from_utf8(folded(args, 1));
    const auto at_most = static_cast<std::size_t>(std::max(args.get<std::int32_t>(2), 0));
    std::vector<Candidate> found;
    if (!query.empty())
        for (const StrategyNumber strategy : {similar_strategy, word_similar_strategy})
            find_names(tenant, query, strategy, found);
    const auto better = [](const Candidate &a, const Candidate &b) {
        return a.fit != b.fit ? a.fit > b.fit : a.patient < b.patient;
    };
    std::sort(found.begin(), found.end(), better);
    const auto same = [](const Candidate &a, const Candidate &b) { return a.patient == b.patient; };
    found.erase(std::unique(found.begin(), found.end(), same), found.end());
    if (found.size() > at_most)
        found.erase(found.begin() + static_cast<std::ptrdiff_t>(at_most), found.end());
    ResultSet rows(fcinfo);
    for (const Candidate &candidate : found)
        rows.add(candidate.patient);
    return rows.done();
}

// clinic_private.query_similarity(query, name)
CLINIC_FUNCTION(clinic_query_similarity) {
    const Args args(fcinfo);
    return returning(fcinfo, core::query_similarity(folded(args, 0), folded(args, 1)));
}
