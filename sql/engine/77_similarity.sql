-- How alike names and records of patients are. docs/patients.md says how duplicates are found with it.

CREATE FUNCTION clinic_private.fold_name(name text)
    RETURNS text
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'clinic_fold_name';
COMMENT ON FUNCTION clinic_private.fold_name(text) IS
    'The form in which names are compared: lower case, Latin letters without accents, no apostrophes, one blank for everything else that is no letter or digit.';

CREATE FUNCTION clinic_private.sound_keys(name text)
    RETURNS text[]
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'clinic_sound_keys';
COMMENT ON FUNCTION clinic_private.sound_keys(text) IS
    'How the words of a name sound, each key once, in order: the same for Mohammed and Muhammad, Laxmi and Lakshmi, Catherine and Katherine.';

CREATE FUNCTION clinic_private.jaro_winkler(a text, b text)
    RETURNS double precision
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'clinic_jaro_winkler';
COMMENT ON FUNCTION clinic_private.jaro_winkler(text, text) IS 'Similarity of Jaro and Winkler, from 0 to 1, of texts as they are.';

CREATE FUNCTION clinic_private.name_similarity(a text, b text)
    RETURNS double precision
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'clinic_name_similarity';
COMMENT ON FUNCTION clinic_private.name_similarity(text, text) IS
    'How alike two names are, from 0 to 1: the similarity of Jaro and Winkler of their folded forms, whatever the order of words, and at least 0.92 when all words sound alike.';

CREATE FUNCTION clinic_private.match_score(
    name_a text,
    name_b text,
    born_a date,
    born_b date,
    email boolean,
    phone boolean,
    identifier boolean,
    weights double precision[])
    RETURNS double precision
    LANGUAGE c IMMUTABLE CALLED ON NULL INPUT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'clinic_match_score';
COMMENT ON FUNCTION clinic_private.match_score(text, text, date, date, boolean, boolean, boolean, double precision[]) IS
    'How likely two records are of one person, from 0 to 1. email, phone, identifier: whether they agree; null where one record does not say.
weights: of name, date_of_birth, email, phone, identifier, and evidence: what agrees is divided by what both say, and by evidence at least. Errors: 22004, 22023.';

CREATE FUNCTION clinic_private.query_similarity(query text, name text)
    RETURNS double precision
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'clinic_query_similarity';
COMMENT ON FUNCTION clinic_private.query_similarity(text, text) IS
    'How well a name fits what somebody looks for, from 0 to 1: each word of the query finds the word that it is most like, or begins, or sounds like.';

CREATE FUNCTION clinic_private.name_candidates(tenant_id uuid, query text, at_most integer)
    RETURNS SETOF uuid
    LANGUAGE c STABLE STRICT PARALLEL UNSAFE ROWS 100
    AS 'MODULE_PATHNAME', 'clinic_name_candidates';
COMMENT ON FUNCTION clinic_private.name_candidates(uuid, text, integer) IS
    'Patients of a tenant whose names fit a query by 0.75 at least (clinic_private.query_similarity), the best first, by the trigram index of the names. It reads past
row security, which would keep the index from being used: callers name their own tenant, and ask for the rows under row security afterwards.';

REVOKE ALL ON FUNCTION clinic_private.fold_name(text), clinic_private.sound_keys(text), clinic_private.jaro_winkler(text, text),
    clinic_private.name_similarity(text, text), clinic_private.query_similarity(text, text), clinic_private.name_candidates(uuid, text, integer),
    clinic_private.match_score(text, text, date, date, boolean, boolean, boolean, double precision[]) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic_private.fold_name(text), clinic_private.sound_keys(text), clinic_private.jaro_winkler(text, text),
    clinic_private.name_similarity(text, text), clinic_private.query_similarity(text, text), clinic_private.name_candidates(uuid, text, integer),
    clinic_private.match_score(text, text, date, date, boolean, boolean, boolean, double precision[]) TO clinic_owner;
