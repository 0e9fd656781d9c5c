#!/usr/bin/env python3
"""What test/t/plans.sh runs: every function of schema clinic and the views with the filters that are usual, and a look at each plan.

    plans.py DATABASE [TENANT [CALL...]]     prints TAP results without the count

The server logs the plans of all statements, nested ones too, as JSON (auto_explain). A scan of a table of history fails that is sequential, or
that reads more rows than BOUND, whatever it returns. What is read past SQL is in no plan: of that the counters of the transaction tell.
"""
import json
import os
import pathlib
import re
import subprocess
import sys
import time
from collections import defaultdict

TOP = pathlib.Path(__file__).resolve().parent.parent.parent
BOUND = 1_250    # rows that one scan may read: a few weeks of all providers, less than a tenant has patients, or a provider visits
FETCHED = 2_500  # rows of one table that one call may fetch by index in all, past SQL too
UNBOUNDED = {"claims"}  # go thirty days after their visit: how many there are does not depend on history

# What must be there in such numbers that a scan of it is told from a look-up.
HISTORY = """appointments appointment_resources claims events notifications tickets waitlist_entries audit_records audit_read_patients patients
patient_search_keys patient_contacts sign_in_events consents resources calendars""".split()
# And what is too small in the data, or goes after days: judged by sequential scans where it is big enough.
LEAST = 1_000    # rows from which on a table is judged

# What reads more, of which tables, and why.
EXPECTED = {
    **{name: ("*", "verifies all there is") for name in ("check_integrity", "verify_audit", "verify_audits")},
    **{name: (("audit_records",), "reads what is not sealed yet: of the generated records all") for name in
       ("seal_audit", "audit_status", "job seal_audit")},
    "no_show_rate": (("appointments",), "counts the visits of the stretch that is asked for"),
    "patient_access_report": (("audit_records",), "reads the stretch that is asked for; partitions are left out by it"),
    "job retention": (("sign_in_events",), "deletes what is old enough, in batches"),
    "job daily_snapshot": (("appointments",), "counts the days since it last ran, of every tenant"),
    "job flag_no_shows": (("appointments",), "looks at the visits of the day, of every tenant"),
    **{name: (("audit_records",), "reads what is to go") for name in ("purge_audit", "job purge_audit")},
    **{name: (("patient_keys",), "counts the keys of patients") for name in ("encryption_status", "lint")},
    "list_duplicates": ("*", "compares patients with each other, some hundred a call"),
    "find_duplicates": (("patients", "patient_contacts"), "hashes patients while they are few"),
    "time_zone_drift": (("appointments",), "reads what is to come"),
    "affected_by_block": (("appointments",), "reads what is to come until the block ends"),
    **{name: (("patients", "resources", "appointments"), "joins names, with what lets a doctor see them, by hashing while they are fewer than the rows that the planner expects") for name in
       ("calendar", "calendar of the past", "the next appointments", "day_sheet", "day_sheet_text", "a day of the clinic")},
    "edit_series": (("series_appointments",), "hashes a table that is small in these data"),
    # These do grow, and are known: the planner takes the policies, and columns without statistics, for more selective than they are.
    "a page of patients": (("patients", "appointments"), "sorts all of the tenant instead of following the key"),
    "patients by date of birth": (("patients", "appointments"), "the view masks the date, so that no index can be asked; clinic.search_patients asks it"),
    "appointment by code": (("patients", "resources"), "expects many of one code, and joins names by hashing"),
}

# Not called: no read or write of tables of a tenant, or nothing that could be called alone.
NOT_CALLED = {
    "audit_change": "a trigger", "audit_reads": "a trigger", "install": "makes the schema", "migrate": "makes the schema",
}


class Session:
    """One psql. What is asked of it may fail, and says so."""

    def __init__(self, database, user):
        environment = dict(os.environ, PGOPTIONS="-c client_min_messages=warning -c timezone=UTC")
        self.process = subprocess.Popen(["psql", "-XqAt", "-U", user, "-d", database], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        stderr=subprocess.STDOUT, text=True, env=environment)

    def run(self, script):
        self.process.stdin.write(script.rstrip().rstrip(";") + ";\n\\echo :over:\n")
        self.process.stdin.flush()
        said = []
        for line in self.process.stdout:
            if line == ":over:\n":
                return "".join(said).rstrip("\n")
            said.append(line)
        sys.exit("psql ended: " + "".join(said))

    def good(self, script):
        said = self.run(script)
        if "ERROR:" in said:
            sys.exit(f"# {script}\n{said}")
        return said


class Results:
    failures = 0

    def say(self, good, what, *why):
        print(("ok" if good else "not ok") + f" - {what}", *(f"# {line}" for line in why), sep="\n", flush=True)
        self.failures += not good


def uuid(tenant, kind, number=0):
    return f"'{tenant:08x}-{kind:04x}-7000-8000-{number:012x}'::uuid"


def things(owner, t):
    """Things of the tenant by name, as expressions; those that the generator does not make are made."""
    at = owner.good("SELECT quote_literal(d::date + time '09:00' || '+00') || '::timestamptz' FROM generate_series(current_date + 40, current_date + 42, '1 day') d "
                    "WHERE extract(isodow FROM d) < 6 LIMIT 1")
    own = {"location": uuid(t, 2), "other_location": uuid(t, 2, 1), "provider": uuid(t, 4), "room": uuid(t, 5), "service": uuid(t, 3), "patient": uuid(t, 12),
           "other_patient": uuid(t, 12, 1), "third_patient": uuid(t, 12, 2), "rule": uuid(t, 6), "block": uuid(t, 7, 0), "holiday": uuid(t, 9), "override": uuid(t, 8), "user": uuid(t, 90, 2),
           "service_account": uuid(t, 90, 3), "nobody": uuid(t, 99), "stay": uuid(t, 98), "at": at}
    owner.good(f"""
BEGIN;
\\o /dev/null
SELECT clinic.use_tenant('load-{t}');
SELECT clinic.create_role('matrix_spare', '{{users:read}}');
SELECT clinic.create_user('staff', 'Root', roles => '{{super_admin}}', all_locations => true, user_id => {uuid(t, 90, 1)});
SELECT clinic.create_user('staff', 'Spare', location_ids => ARRAY[{own["location"]}], user_id => {own["user"]});
SELECT clinic.create_user('service', 'Account', roles => '{{matrix_spare}}', location_ids => ARRAY[{own["location"]}], user_id => {own["service_account"]});
SELECT clinic.create_user('patient', 'Patient', patient_id => {own["patient"]}, user_id => {uuid(t, 90, 4)});
SELECT clinic.map_login('plans_root', 'staff', user_id => {uuid(t, 90, 1)}), clinic.map_login('plans_doctor', 'staff', user_id => {uuid(t, 10)}),
       clinic.map_login('plans_patient', 'patient', user_id => {uuid(t, 90, 4)}, patient_id => {own["patient"]});
SELECT clinic.add_stay({own["provider"]}, current_date + 200, current_date + 201, 'Asia/Kolkata', stay_id => {own["stay"]});
\\o
COMMIT""")
    for name, query in {
            "appointment": f"SELECT appointment_id FROM clinic.appointments WHERE provider_id = {own['provider']} AND status = 'booked' AND starts_at > now() ORDER BY starts_at LIMIT 1",
            "other_appointment": f"SELECT appointment_id FROM clinic.appointments WHERE provider_id = {own['provider']} AND status = 'booked' AND starts_at > now() ORDER BY starts_at DESC LIMIT 1",
            "past_appointment": f"SELECT appointment_id FROM clinic.appointments WHERE provider_id = {own['provider']} AND status = 'completed' ORDER BY starts_at DESC LIMIT 1",
            "no_show": f"SELECT appointment_id FROM clinic.appointments WHERE provider_id = {own['provider']} AND status = 'no_show' ORDER BY starts_at DESC LIMIT 1",
            "cancelled": f"SELECT appointment_id FROM clinic.appointments WHERE provider_id = {own['provider']} AND status = 'cancelled' AND starts_at > now() ORDER BY starts_at LIMIT 1",
            "entry": f"SELECT entry_id FROM clinic.join_waitlist({own['service']}, {own['patient']}, {own['provider']}, {own['location']}, current_date + 100, current_date + 120)",
            "other_entry": f"SELECT entry_id FROM clinic.join_waitlist({own['service']}, {own['other_patient']}, {own['provider']}, {own['location']}, ({at})::date, ({at})::date + 120)",
            "visit": f"SELECT visit_id FROM clinic.book_visit(jsonb_build_array(jsonb_build_object('service_id', {own['service']}, 'provider_id', {own['provider']}, "
                     f"'starts_at', (SELECT starts_at FROM clinic.first_available({own['service']}, {at} + interval '5 days', {at} + interval '9 days', {own['provider']})))), {own['patient']})",
            "series": f"SELECT series_id FROM clinic.book_series({own['service']}, {own['patient']}, 'FREQ=WEEKLY;COUNT=3', starts_at => {at} + interval '14 days 4 hours', "
                      f"provider_id => {own['provider']}, location_id => {own['location']}, mode => 'skip') LIMIT 1",
            "session": f"SELECT session_id FROM clinic.create_session({own['service']}, {own['provider']}, {at} + interval '7 days 5 hours', capacity => 4)",
            "text": f"SELECT text_id FROM clinic.consent_texts WHERE purpose = 'marketing' LIMIT 1",
    }.items():
        found = owner.run(f"BEGIN;\n\\o /dev/null\nSELECT clinic.use_tenant('load-{t}');\n\\o\n{query};\nCOMMIT")
        if not re.fullmatch("[0-9a-f-]{36}", found):
            sys.exit(f"# {name}: {found}")
        own[name] = f"'{found}'::uuid"
    found = owner.run(f"BEGIN;\n\\o /dev/null\nSELECT clinic.use_tenant('load-{t}');\n\\o\nSELECT offer_id FROM clinic.offer_slot({own['entry']}, "
                      f"(SELECT starts_at FROM clinic.first_available({own['service']}, {at} + interval '65 days', {at} + interval '75 days', {own['provider']})));\nCOMMIT")
    own["offer"] = f"'{found}'::uuid"
    return own


def table_of(node):
    return re.sub(r"_(default|\d{4}_\d\d)$", "", node["Relation Name"])


def scans(node):
    if "Relation Name" in node and "Scan" in node["Node Type"]:
        yield node
    for child in node.get("Plans", []):
        yield from scans(child)


def reads(node):
    """Rows that a scan read, as far as the plan tells: one loop's are averages."""
    rows = node["Actual Rows"] + node.get("Rows Removed by Filter", 0) + node.get("Rows Removed by Index Recheck", 0)
    if node["Node Type"] == "Bitmap Heap Scan":
        rows = max([rows, *(child["Actual Rows"] for child in node["Plans"])])
    return rows * node["Actual Loops"]


def skipped(node, columns, patient):
    """The first column of an index that has no condition although a later one has: most of the index is gone through."""
    missing = None
    # The bounds that the policies give are those of all there are, but for patients.
    condition = node.get("Index Cond", "")
    if not patient:
        condition = re.sub(r"\(\w+ [<>]= clinic_private\.(least|greatest)_\w+\(\)\)", "", condition)
    for column in columns.get(node.get("Index Name"), []):
        if not re.search(rf"\b{column}\b", condition):
            missing = missing or column
        elif missing:
            return missing
    return None


def judge(plan, sizes, columns, patient):
    """What is wrong with the scans of a plan. Those of partitions of one table count together."""
    together = defaultdict(float)
    for node in scans(plan):
        table, name = table_of(node), node["Relation Name"]
        if sizes.get(table, 0) < LEAST:
            continue
        where = f"{node['Node Type']} on {table}" + (f" using {node['Index Name']}" if "Index Name" in node and table == name else "")
        if node["Node Type"] == "Seq Scan":
            # Of a partition that is nearly empty it is the right plan.
            if sizes.get(name, 0) >= LEAST or reads(node) > BOUND:
                yield table, f"{where}: {reads(node):,.0f} rows; filter {node.get('Filter', 'none')}"
            continue
        if table in UNBOUNDED:
            continue
        condition = node.get("Index Cond") or "; ".join(child.get("Index Cond", "") for child in node.get("Plans", []))
        for one in (node, *node.get("Plans", [])):
            if one.get("Actual Loops") and (column := skipped(one, columns, patient)):
                yield table, f"{where}: goes through the index past {column}; condition {one['Index Cond']}"
        together[table, where, condition if table == name else "of the partitions", node.get("Filter", "none") if table == name else ""] += reads(node)
    for (table, where, condition, condition_2), rows in together.items():
        if rows > BOUND:
            yield table, f"{where}: {rows:,.0f} rows; condition {condition}; filter {condition_2}"


class Log:
    def __init__(self, owner):
        self.owner = owner
        self.path = pathlib.Path(owner.good("SELECT current_setting('data_directory') || '/' || pg_current_logfile('jsonlog')"))
        self.place = self.path.stat().st_size
        self.marks = 0

    def plans(self):
        """Names of calls with the plans logged since the last time."""
        self.marks += 1
        mark = f"plans: mark {self.marks} is here"
        self.owner.good(f"DO $$ BEGIN RAISE LOG '{mark}'; END $$")
        said = b""
        for _ in range(200):
            with self.path.open("rb") as file:
                file.seek(self.place)
                said = file.read()
            if mark.encode() in said:
                break
            time.sleep(0.05)
        else:
            sys.exit("# the server does not write its log")
        self.place += len(said)
        for line in said.decode().splitlines():
            entry = json.loads(line)
            message = entry.get("message", "")
            if "  plan:\n" in message and entry.get("application_name", "").startswith("plans:"):
                yield entry["application_name"][6:], json.loads(message.split("  plan:\n", 1)[1])


def call(session, name, query, settings=""):
    """Runs a query in a transaction that is rolled back: the error or nothing, and what was read of which table."""
    said = session.run(f"""SET application_name = 'plans:{name}';
\\o /dev/null
SELECT pg_stat_force_next_flush();
\\o
BEGIN;
{settings}
\\o /dev/null
{"" if name.startswith(("job ", "run_jobs", "use_tenant")) else "SELECT clinic.declare_purpose('TREAT');"}
{query};
\\o
SET CONSTRAINTS ALL IMMEDIATE;
SELECT ':read:', relname, seq_tup_read, idx_tup_fetch FROM pg_stat_xact_user_tables WHERE schemaname = 'clinic_data' AND seq_tup_read + idx_tup_fetch > 100;
ROLLBACK;
SET application_name = 'plans'""")
    error = next((line for line in said.splitlines() if "ERROR:" in line), None)
    read = [line.split("|")[1:] for line in said.splitlines() if line.startswith(":read:")]
    return error, [(re.sub(r"_(default|\d{4}_\d\d)$", "", table), int(seq), int(index or 0)) for table, seq, index in read]


def fill_in(query, own):
    return re.sub(r"\{(\w+)\}", lambda m: own[m.group(1)] if m.group(1) in own else m.group(0), query)


def main():
    database, t = sys.argv[1], int(sys.argv[2]) if len(sys.argv) > 2 else 4
    owner = Session(database, "postgres")
    results = Results()
    owner.good((TOP / "tools/function_permissions.sql").read_text())
    rows = owner.good("SELECT function, executes, replace(coalesce(call, ''), E'\\n', ' ') FROM pg_temp.function_permissions ORDER BY 1").splitlines()
    functions = {name: (executes, query) for name, executes, query in (row.split("|", 2) for row in rows)}
    missing = owner.good("SELECT string_agg(DISTINCT p.proname, ' ') FROM pg_proc p WHERE p.pronamespace = 'clinic'::regnamespace AND p.prokind IN ('f', 'p') "
                         "AND p.proname::text NOT IN (SELECT function FROM pg_temp.function_permissions)")
    results.say(not missing, "every function has a call in tools/function_permissions.sql", *missing.split())
    sizes = {}
    for line in owner.good("SELECT c.relname, greatest(c.reltuples, 0)::bigint FROM pg_class c WHERE c.relnamespace = 'clinic_data'::regnamespace AND c.relkind = 'r'").splitlines():
        name, count = line.split("|")
        sizes[name] = int(count)
        parent = re.sub(r"_(default|\d{4}_\d\d)$", "", name)
        if parent != name:
            sizes[parent] = sizes.get(parent, 0) + int(count)
    small = [name for name in HISTORY if sizes.get(name, 0) < LEAST]
    results.say(not small, "there is enough of every table of history", *small)
    columns = {line.split("|")[0]: line.split("|")[1].split() for line in owner.good(
        "SELECT c.relname, string_agg(a.attname, ' ' ORDER BY a.attnum) FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid JOIN pg_am m ON m.oid = c.relam "
        "JOIN pg_attribute a ON a.attrelid = c.oid WHERE c.relnamespace = 'clinic_data'::regnamespace AND m.amname = 'btree' AND i.indexprs IS NULL AND i.indpred IS NULL GROUP BY 1").splitlines()}
    own = things(owner, t)

    log = Log(owner)
    logins = {login: Session(database, login) for login in ("plans_root", "plans_doctor", "plans_patient")}
    begun = time.monotonic()
    errors, guilty = {}, defaultdict(dict)
    calls = []
    for name, (executes, query) in functions.items():
        query = CALLS.get(name, query)
        if executes in ("public", "owner") and name not in CALLS or name in NOT_CALLED or not query:
            continue
        session = owner if executes in ("admin", "keys", "jobs") else logins["plans_root"]
        calls.append((session, name, "SELECT * FROM " + query))
    for who, login in (("", "plans_root"), (" (doctor)", "plans_doctor"), (" (patient)", "plans_patient")):
        calls += [(logins[login], f"{name}{who}", query) for name, query in QUERIES.items()]
    for job in owner.good("SELECT job FROM clinic_private.jobs() ORDER BY place").splitlines():
        calls.append((owner, f"job {job}", f"SELECT * FROM clinic.run_jobs('{{{job}}}')"))
    if len(sys.argv) > 3:
        calls = [one for one in calls if one[1] in sys.argv[3:]]
    for mode in ("auto", "force_generic_plan"):
        for session, name, query in calls:
            error, read = call(session, name, fill_in(query, own), f"SET LOCAL plan_cache_mode = {mode};" +
                               (f"\n\\o /dev/null\nSELECT clinic.use_tenant('load-{t}');\n\\o" if session is owner and not name.startswith(("job ", "run_jobs", "use_tenant")) else ""))
            if error:
                errors[name] = error
            for table, sequential, fetched in read:
                if sizes.get(table, 0) >= LEAST and (sequential > BOUND or fetched > FETCHED and table not in UNBOUNDED):
                    guilty[name][table, f"counted {sequential:,} rows of {table} read by sequential scans, {fetched:,} fetched by index"] = mode
        for name, logged in log.plans():
            for table, trouble in judge(logged["Plan"], sizes, columns, name.endswith("(patient)")):
                guilty[name][table, trouble + " | " + " ".join(logged["Query Text"].split())[:300]] = mode
    print(f"# {len(calls)} calls twice in {time.monotonic() - begun:.0f} s")
    for name, found in sorted(guilty.items()):
        expected = EXPECTED.get(name.removesuffix(" (doctor)").removesuffix(" (patient)"), ((), ""))
        wrong = [f"{what} [{mode}]" for (table, what), mode in found.items() if expected[0] != "*" and table not in expected[0]]
        if wrong:
            results.say(False, f"{name} reads no more of history than it needs", *wrong)
    unexpected = [f"{name}: {error}" for name, error in errors.items() if name not in REFUSED and not name.endswith("(patient)")]
    results.say(not unexpected, "every other call runs through", *unexpected)
    return 1 if results.failures else 0


# Calls that are other than those of tools/function_permissions.sql: of things that are there, and that have a past.
CALLS = {
    "reschedule_appointment": "clinic.reschedule_appointment({appointment}, {at} + interval '2 hours 30 minutes')",
    "require_resource": "clinic.require_resource({service}, 'treatment_room')",
    "give_consent": "clinic.give_consent({patient}, 'marketing', {text}, evidence => 'X')",
    "book_seat": "clinic.book_seat({session}, {other_patient})",
    "set_session_capacity": "clinic.set_session_capacity({session}, 5)",
    "move_session": "clinic.move_session({session}, {at} + interval '14 days 6 hours')",
    "cancel_session": "clinic.cancel_session({session})",
    "reverse_no_show": "clinic.reverse_no_show({no_show})",
    "reinstate_appointment": "clinic.reinstate_appointment({cancelled})",
    "merge_patients": "clinic.merge_patients({patient}, {third_patient}, 'The same person')",
    "no_show_rate": "clinic.no_show_rate(now() - interval '30 days', now())",
    "patient_access_report": "clinic.patient_access_report({patient}, now() - interval '30 days', now())",
    "user_activity_report": "clinic.user_activity_report({user}, now() - interval '7 days', now())",
    "unusual_accesses": "clinic.unusual_accesses(now() - interval '1 day', now())",
    "breach_report": "clinic.breach_report(now() - interval '1 day', now())",
    "running_late": "clinic.running_late({provider}, {location})",
}
# Calls that are refused here, since what they are about is not there or in another state; their plans until then are judged.
REFUSED = set("""
activate_user add_token_key approve_appointment audit_consistency_proof audit_inclusion_proof audit_purge_proof authenticate authenticate_key blind_index
book_seat book_walk_in booking_page cancel_session change_ticket check_in clear_no_show_flag complete_visit confirm_hold decide_correction
decline_appointment decrypt delete_patient delete_subscription disable_audit disable_read_audit enable_audit enable_read_audit enable_tenant_rls encrypt
encrypt_column end_break_glass end_session enter_public erase_patient extend_hold finish_delivery finish_message give_consent mark_no_show merge_patients
move_session note_disagreement offer_slot pause_subscription pre_request protect read_correction record_delivery refresh reinstate_appointment release_hold
release_legal_hold release_requirement remove_assignment_rules remove_dependant remove_identifier remove_participants remove_role remove_token_key
require_consent require_resource reschedule_appointment reset_password resume_subscription retry_delivery reverse_no_show review_emergency_access
revoke_api_key revoke_role rotate_subscription_secret rotate_tenant_key schedule_jobs set_session_capacity settle_charge sign_in sign_in_with_code
start_visit undo_check_in unmap_login unmerge_patients unschedule_jobs update_subscription use_tenant verify_identifier waive_charge
""".split())
# The views with filters that are usual, and calls with other arguments.
QUERIES = {
    "appointments of a day of a provider": "SELECT * FROM clinic.appointments WHERE provider_id = {provider} AND starts_at >= now() - interval '7 days' AND starts_at < now() - interval '6 days' ORDER BY starts_at",
    "appointments of a patient": "SELECT * FROM clinic.appointments WHERE patient_id = {patient} ORDER BY starts_at DESC LIMIT 20",
    "appointment by id": "SELECT * FROM clinic.appointments WHERE appointment_id = {past_appointment}",
    "appointment by code": "SELECT * FROM clinic.appointments WHERE confirmation_code = 'L0000123'",
    "appointments of a day of a branch": "SELECT * FROM clinic.appointments WHERE location_id = {location} AND starts_at >= now() - interval '7 days' AND starts_at < now() - interval '6 days'",
    "appointments of a day of a service": "SELECT * FROM clinic.appointments WHERE service_id = {service} AND starts_at >= now() - interval '7 days' AND starts_at < now() - interval '6 days'",
    "the next appointments": "SELECT * FROM clinic.appointments WHERE starts_at >= now() ORDER BY starts_at LIMIT 20",
    "a day of the clinic": "SELECT * FROM clinic.appointments WHERE starts_at >= now() - interval '7 days' AND starts_at < now() - interval '6 days' ORDER BY starts_at",
    "list_appointments of the past": "SELECT * FROM clinic.list_appointments(now() - interval '100 days', now() - interval '99 days')",
    "list_appointments of a patient": "SELECT * FROM clinic.list_appointments(patient_id => {patient})",
    "get_appointment of the past": "SELECT * FROM clinic.get_appointment({past_appointment})",
    "a day sheet of the past": "SELECT * FROM clinic.day_sheet(current_date - 30, provider_id => {provider})",
    "calendar of the past": "SELECT * FROM clinic.calendar(now() - interval '30 days', now() - interval '29 days', ARRAY[{provider}])",
    "patient by id": "SELECT * FROM clinic.patients WHERE patient_id = {patient}",
    "patient by number": "SELECT * FROM clinic.patients WHERE mrn = 'MRN-000007'",
    "patients by date of birth": "SELECT * FROM clinic.patients WHERE date_of_birth = '1951-06-07'",
    "a page of patients": "SELECT * FROM clinic.patients ORDER BY patient_id LIMIT 20",
    "events of an appointment": "SELECT * FROM clinic.events WHERE subject_id = {past_appointment} ORDER BY sequence",
    "events since": "SELECT * FROM clinic.events WHERE event_id >= clinic.uuid_floor(now() - interval '1 hour')",
    "notifications of an appointment": "SELECT * FROM clinic.notifications WHERE appointment_id = {past_appointment}",
    "notifications of a patient": "SELECT * FROM clinic.notifications WHERE patient_id = {patient} ORDER BY due_at DESC LIMIT 20",
    "contacts of a patient": "SELECT * FROM clinic.patient_contacts WHERE patient_id = {patient}",
    "consents of a patient": "SELECT * FROM clinic.consents WHERE patient_id = {patient}",
    "the waitlist of a patient": "SELECT * FROM clinic.waitlist_entries WHERE patient_id = {patient}",
    "series of a patient": "SELECT * FROM clinic.series WHERE patient_id = {patient}",
    "dates of a series": "SELECT * FROM clinic.series_appointments WHERE series_id = {series} ORDER BY ordinal",
    "visits of a patient": "SELECT * FROM clinic.visits WHERE patient_id = {patient}",
    "the queue": "SELECT * FROM clinic.queue WHERE location_id = {location}",
    "busy times of a provider": "SELECT * FROM clinic.busy_times WHERE resource_id = {provider} AND starts_at >= now() AND starts_at < now() + interval '1 day'",
    "audit of a patient": "SELECT * FROM clinic.audit_records WHERE patient_id = {patient} ORDER BY audit_id DESC LIMIT 20",
    "audit of an hour": "SELECT * FROM clinic.audit_records WHERE audit_id >= clinic.uuid_floor(now() - interval '1 hour')",
}

if __name__ == "__main__":
    sys.exit(main())
