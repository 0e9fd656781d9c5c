-- The text of docs/errors.md, from clinic.error_codes(). Run by tools/error_reference.sh.
SET search_path = pg_catalog, pg_temp;

CREATE FUNCTION pg_temp.cell(text) RETURNS text LANGUAGE sql AS $$ SELECT replace($1, '|', '\|') $$;

SELECT $text$# Errors

Every error of the engine has a code: a word that never changes, with an SQLSTATE and an HTTP status of its own. Branch on the code,
show the message, log the rest. This page is written by `make docs` from `clinic.error_codes()`.

| code | SQLSTATE | HTTP | message | what to do |
|---|---|---|---|---|$text$;

SELECT format('| `%s` | `%s` | %s | %s | %s |', e.code, e.sqlstate, e.http_status, pg_temp.cell(e.message), pg_temp.cell(e.hint))
  FROM clinic.error_codes() WITH ORDINALITY AS e (code, sqlstate, http_status, message, hint, n)
 ORDER BY e.n;

SELECT $text$
Message and hint are the usual ones; a particular error often says more.

## In SQL

- Errors of the domain carry a JSON object as DETAIL. Its first member is `reason`, the code; the others are facts: ids and what the
  caller gave, such as `alternatives` of a start that is taken. No name, phone or note is ever among them.
- Errors of one argument (`invalid_argument`, `missing_argument`, `invalid_text`, `datetime_overflow`, `limit_exceeded`) have the SQLSTATE
  that PostgreSQL itself gives such errors, and a sentence as DETAIL. Wherever one argument is at fault, its name is the error's
  COLUMN_NAME (several between commas):

```sql
EXCEPTION WHEN OTHERS THEN
    GET STACKED DIAGNOSTICS field = COLUMN_NAME, facts = PG_EXCEPTION_DETAIL;
```

- `28000` stands for all that is wrong with an identity. `40001` is never raised by the engine, only by serialisable transactions themselves.
- Installing and upgrading the schema, and triggers that guard rows against plain SQL, raise PostgreSQL's own states (such as 55000):
  no application meets them.

## Over HTTP

Once `clinic.pre_request()` has begun a request, an error that leaves the statement becomes an answer with the status above and a body
of four texts:

```json
{"code": "slot_taken",
 "message": "that time is taken",
 "details": "{\"reason\": \"slot_taken\", \"alternatives\": [{\"starts_at\": \"2026-03-10T11:30:00+05:30\", ...}]}",
 "hint": "Choose one of the alternatives."}
```

- `details` is JSON in a text: `reason`, for an argument's error `field` (the argument, the first one of several) and `explanation`, and the facts.
- 409: the request clashes with the diary, the clock or the rows as they are. The same request may succeed at another moment, and
  usually another start does. 422: no change of the diary mends it, the request itself has to change.
- 401 comes with `WWW-Authenticate: Bearer`. `forbidden` is 403, and 401 for a request that proved no identity.
- 429 comes with `Retry-After`, and with `X-RateLimit-Limit`, `X-RateLimit-Remaining` and `X-RateLimit-Reset` (seconds).
- What a function of yours catches (`EXCEPTION WHEN SQLSTATE 'CL013'`) keeps the form it has in SQL.

PostgreSQL's own errors keep their SQLSTATE as code and PostgREST's status: 400 for a text that is no uuid, date or number (`22P02`, `22007`, `22008`
of a cast), 401 without and 403 with a token for what the role may not do (`42501`), 405 for writing by GET (`25006`). Four are mended:

| SQLSTATE | HTTP | |
|---|---|---|
| `23P01` | 409 | an exclusion constraint of your own tables; without the other row's values |
| `P0002` | 404 | `SELECT INTO STRICT` found no row |
| `40P01`, `55P03` | 409 | a deadlock, or a lock that was not given in time; with `Retry-After: 1` |

PostgREST answers by itself, with codes that begin with `PGRST`: 401 for a token that is expired, not signed by the key, or for another
audience; 404 for a function or path that does not exist, or arguments that no function takes; 400 for a body that is no JSON.$text$;
