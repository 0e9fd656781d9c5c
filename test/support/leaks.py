"""What test/t/leaks.sh does to a server and looks for in it: values that nobody can mistake go in through the API, meet errors, are searched,
merged, erased, sent and audited, first as parameters and then as literals, and are looked for in every place that is not theirs.

Prints one line for each test: ok or not ok, a tab, the description, and for a failure a tab and what was found.
    leaks.py DATABASE CLUSTER HEADS     the database; the cluster's directory; the file that heads are exported to
"""
import base64
import ctypes
import datetime
import json
import os
import random
import re
import subprocess
import sys
import threading

DATABASE, CLUSTER, HEADS = sys.argv[1:4]
DATA = os.path.join(CLUSTER, "data")
TENANT = "1ea50001-0000-7000-8000-000000000001"
IDS = {what: f"1ea50001-{kind:04}-7000-8000-000000000001" for kind, what in enumerate(("location", "provider", "service", "root", "robot"), 10)}
chance = random.SystemRandom()

# ---------------------------------------------------------------------------------------------------------------------
# A client of libpq: parameters stay parameters, and whatever the server says beside its rows is kept.

libpq = ctypes.CDLL("libpq.so.5")
for name in ("PQconnectdb", "PQexec", "PQexecParams", "PQnotifies"):
    getattr(libpq, name).restype = ctypes.c_void_p
for name in ("PQgetvalue", "PQerrorMessage", "PQresultErrorField"):
    getattr(libpq, name).restype = ctypes.c_char_p


class Notify(ctypes.Structure):
    _fields_ = [("channel", ctypes.c_char_p), ("pid", ctypes.c_int), ("payload", ctypes.c_char_p)]


FIELDS = {"state": "C", "message": "M", "detail": "D", "hint": "H", "context": "W", "query": "q", "schema": "s", "table": "t", "column": "c",
          "type": "d", "constraint": "n"}
said = []       # (what was done, what the server said of it): errors, warnings and notices, all fields
notified = []   # payloads


class Refused(Exception):
    """An error of the server: its fields."""

    def __init__(self, fields):
        super().__init__(f"{fields['state']}: {fields['message']}")
        self.fields = fields


class Session:
    """A connection. label: how the errors that it meets are kept, None: not at all."""

    def __init__(self, user="postgres"):
        # Nothing is kept of the settings for tests: a client that knows nothing of the clinic.
        self.connection = ctypes.c_void_p(libpq.PQconnectdb(f"dbname={DATABASE} user={user} options='-c client_min_messages=debug1'".encode()))
        self.user = user
        if libpq.PQstatus(self.connection) != 0:
            raise SystemExit(libpq.PQerrorMessage(self.connection).decode())
        self.keeper = ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_void_p)(self.keep_notice)
        libpq.PQsetNoticeReceiver(self.connection, self.keeper, None)

    @staticmethod
    def fields_of(result):
        return {field: (libpq.PQresultErrorField(result, ord(code)) or b"").decode() for field, code in FIELDS.items()}

    def keep_notice(self, _argument, result):
        said.append(("notice", json.dumps(self.fields_of(ctypes.c_void_p(result)), ensure_ascii=False)))

    def run(self, text, *values, label="statement"):
        """The rows of a statement, with parameters where there are any."""
        if values:
            array = (ctypes.c_char_p * len(values))(*[None if v is None else str(v).encode() for v in values])
            result = libpq.PQexecParams(self.connection, text.encode(), len(values), None, array, None, None, 0)
        else:
            result = libpq.PQexec(self.connection, text.encode())
        result = ctypes.c_void_p(result)
        try:
            status = libpq.PQresultStatus(result)
            if status == 7:
                fields = self.fields_of(result)
                if label:
                    said.append((label, json.dumps(fields, ensure_ascii=False)))
                raise Refused(fields)
            rows = [[None if libpq.PQgetisnull(result, r, c) else libpq.PQgetvalue(result, r, c).decode() for c in range(libpq.PQnfields(result))]
                    for r in range(libpq.PQntuples(result))]
        finally:
            libpq.PQclear(result)
        libpq.PQconsumeInput(self.connection)
        while notification := libpq.PQnotifies(self.connection):
            told = ctypes.cast(notification, ctypes.POINTER(Notify)).contents
            notified.append(f"{told.channel.decode()} {told.payload.decode()}")
            libpq.PQfreemem(ctypes.c_void_p(notification))
        return rows

    def close(self):
        libpq.PQfinish(self.connection)


def quoted(value):
    return "NULL" if value is None else "'" + str(value).replace("'", "''") + "'"


class Caller:
    """Calls functions in a session: with their arguments as parameters, or as literals of the statement."""

    def __init__(self, session, bound):
        self.session, self.bound = session, bound

    def __call__(self, function, **arguments):
        arguments = {name: json.dumps(value, ensure_ascii=False) if isinstance(value, dict) else value for name, value in arguments.items()}
        if self.bound:
            shown = ", ".join(f"{name} => ${number}" for number, name in enumerate(arguments, 1))
            rows = self.session.run(f"SELECT * FROM clinic.{function}({shown})", *arguments.values(), label=function)
        else:
            shown = ", ".join(f"{name} => {quoted(value)}" for name, value in arguments.items())
            rows = self.session.run(f"SELECT * FROM clinic.{function}({shown})", label=function)
        return rows[0][0] if len(rows) == 1 and len(rows[0]) == 1 else rows

    def sql(self, text, *values):
        """A statement with %s for its values."""
        if self.bound:
            return self.session.run(re.sub("%s", lambda _, n=iter(range(1, 99)): f"${next(n)}", text), *values)
        return self.session.run(text % tuple(quoted(value) for value in values))

    def refused(self, state, function, **arguments):
        """The call is refused with one of these states."""
        try:
            self(function, **arguments)
        except Refused as error:
            if not re.fullmatch(state, error.fields["state"]):
                report(False, f"{function} is refused", f"{error.fields}")
            return
        report(False, f"{function} is refused", "it went through", arguments)


def report(good, description, *found):
    shown = " ".join(str(f) for f in found).replace("\n", " ").replace("\t", " ")[:1500]
    print("\t".join(["ok" if good else "not ok", description] + ([] if good else [shown])), flush=True)


# ---------------------------------------------------------------------------------------------------------------------
# The values. What is looked for is a part of each that no form of writing changes: letters or digits without a break, in lower case.

ENCRYPTED, IDENTITY, SECRET = "encrypted", "identity", "secret"
values = []     # (class, what, the forms that are looked for)


def remember(kind, what, core):
    """Keeps a value to look for: as it is, in hexadecimal digits, in base64 at each of three offsets; all in lower case, as what is searched."""
    raw = core.encode() if isinstance(core, str) else core
    coded = [base64.b64encode(b"\0" * shift + raw)[(0, 2, 3)[shift]:(len(raw) + shift) // 3 * 4] for shift in range(3)]
    values.append((kind, what, [form.lower() for form in (raw, raw.hex().encode(), *coded) if len(form) > 7]))
    return core


def word():
    """A word that nobody says, and that sounds like no other: nine consonants."""
    return "".join(chance.choice("bcdfghjklmnpqrstvwxz") for _ in range(9))


def digits(count):
    return chance.choice("123456789") + "".join(chance.choice("0123456789") for _ in range(count - 1))


def verhoeff(number):
    """The number with its check digit."""
    check = 0
    table = [[0, 1, 2, 3, 4, 5, 6, 7, 8, 9], [1, 2, 3, 4, 0, 6, 7, 8, 9, 5], [2, 3, 4, 0, 1, 7, 8, 9, 5, 6], [3, 4, 0, 1, 2, 8, 9, 5, 6, 7],
             [4, 0, 1, 2, 3, 9, 5, 6, 7, 8], [5, 9, 8, 7, 6, 0, 4, 3, 2, 1], [6, 5, 9, 8, 7, 1, 0, 4, 3, 2], [7, 6, 5, 9, 8, 2, 1, 0, 4, 3],
             [8, 7, 6, 5, 9, 3, 2, 1, 0, 4], [9, 8, 7, 6, 5, 4, 3, 2, 1, 0]]
    places = [list(range(10)), [1, 5, 7, 6, 2, 8, 3, 0, 9, 4]]
    while len(places) < 8:
        places.append([places[-1][places[1][i]] for i in range(10)])
    for place, digit in enumerate(reversed(number), 1):
        check = table[check][places[place % 8][int(digit)]]
    return number + str(table[check].index(0))


def new_words(what, count=1, kind=ENCRYPTED):
    return " ".join(remember(kind, what, word()) for _ in range(count))


class Person:
    """Somebody with something in every field."""

    def __init__(self, who):
        self.who = who
        self.first, self.last = (remember(IDENTITY, f"{who}: name", word().capitalize()) for _ in range(2))
        self.name = f"{self.first} {self.last}"
        self.preferred = remember(IDENTITY, f"{who}: preferred name", word().capitalize())
        self.born = remember(IDENTITY, f"{who}: date of birth",
                             str(datetime.date(1910, 1, 1) + datetime.timedelta(days=chance.randrange(20000))))
        number = remember(IDENTITY, f"{who}: MRN", digits(10))
        self.mrn = f"MRN-{number}"
        self.phone = "+4930" + remember(ENCRYPTED, f"{who}: phone", digits(10))
        self.email = remember(ENCRYPTED, f"{who}: e-mail", word()) + "@example.org"
        self.passport = remember(ENCRYPTED, f"{who}: national identifier", digits(12))
        self.abha = remember(ENCRYPTED, f"{who}: ABHA number", verhoeff("91" + digits(11)))
        self.details = {
            "preferred_name": self.preferred, "blood_group": "AB-",
            "address": {"line1": new_words(f"{who}: address", 2), "city": new_words(f"{who}: city").capitalize(), "country": "DE"},
            "emergency_contact": {"name": new_words(f"{who}: emergency contact", 2), "relationship": "brother",
                                  "phone": "+4930" + remember(ENCRYPTED, f"{who}: phone of the emergency contact", digits(10))},
            "contacts": [{"channel": "sms", "destination": self.phone}, {"channel": "email", "destination": self.email}],
            "identifiers": [{"system": "national:passport", "value": self.passport}, {"system": "abha_number", "value": self.abha}],
            "allergies": [{"allergen": new_words(f"{who}: allergy"), "reaction": new_words(f"{who}: reaction"), "severity": "mild"}],
            "conditions": [{"name": new_words(f"{who}: condition")}],
            "medications": [{"name": new_words(f"{who}: medication"), "dosage": new_words(f"{who}: dosage")}]}


# ---------------------------------------------------------------------------------------------------------------------
# What happens.

root = Session()
root.run("SET client_min_messages = warning")
for channel in ("clinic_events",):
    root.run(f"LISTEN {channel}")


def set_up():
    """A clinic with hours, an account for each kind of secret, subscribers to everything. Nothing here is looked for."""
    root.run("CREATE ROLE desk LOGIN IN ROLE clinic_user; CREATE ROLE bystander LOGIN IN ROLE clinic_user; CREATE ROLE sender LOGIN IN ROLE clinic_user;"
             "CREATE ROLE visitor LOGIN IN ROLE clinic_anon; CREATE ROLE ada LOGIN IN ROLE clinic_user;"
             "SET ROLE clinic_admin; SELECT clinic.create_signing_key(); RESET ROLE")
    root.run(f"""BEGIN;
        SELECT clinic.create_tenant('leaks', 'Leaks', tenant_id => '{TENANT}');
        SELECT clinic.update_tenant('{{"mrn_format": "MRN-{{0000000000}}", "notifies_events": true, "consumes_events": true, "quiet_from": "00:00", "quiet_until": "00:00"}}');
        SELECT clinic.create_location('Here', 'Europe/Berlin', country => 'DE', location_id => '{IDS["location"]}'),
               clinic.create_provider('Doctor', 'Europe/Berlin', provider_id => '{IDS["provider"]}'),
               clinic.create_service('Visit', 30, service_id => '{IDS["service"]}');
        SELECT clinic.offer_service('{IDS["service"]}', '{IDS["provider"]}'),
               clinic.add_hours('{IDS["provider"]}', '{IDS["location"]}', 'FREQ=DAILY', '06:00', '22:00');
        SELECT clinic.create_user('staff', 'Root', 'root@example.org', roles => '{{super_admin}}', all_locations => true, user_id => '{IDS["root"]}'),
               clinic.create_user('service', 'Robot', roles => '{{super_admin}}', all_locations => true, user_id => '{IDS["robot"]}');
        SELECT clinic.map_login('desk', 'admin', '{{*}}'), clinic.map_login('sender', 'staff', '{{outbox:deliver}}');
        SELECT clinic.add_consent_text('sharing', 'en', 'I agree.', '2020-01-01Z');
        COMMIT""")


def secret(what, text):
    """Keeps a secret that the server made: the whole of it, or of a token its signature."""
    remember(SECRET, what, text.rsplit(".", 1)[-1])
    return text


def life(how, bound):
    """Everything that happens to patients and accounts, with parameters or literals; returns the one erased in the end."""
    desk, sender, visitor = (Session(user) for user in ("desk", "sender", "visitor"))
    call, send, visit = (Caller(session, bound) for session in (desk, sender, visitor))
    desk.run("SET clinic.access_action = 'view'")
    first, twin, gone, reached = (Person(f"{who}, {how}") for who in ("patient", "duplicate", "erased", "reached"))
    twin.born = first.born
    ids = {}
    for person in (first, twin, gone):
        details = dict(person.details)
        if person is twin:
            details.pop("identifiers")
        ids[person] = call("create_patient", name=person.name, mrn=person.mrn, date_of_birth=person.born, sex="female", details=details)
    patient = ids[first]

    # Changes, each of a part.
    item = first.details["allergies"][0]
    call("set_patient_allergy", patient_id=patient, allergy=dict(item, reaction=new_words(f"{how}: reaction")))
    call("set_patient_condition", patient_id=patient, condition={"name": new_words(f"{how}: condition")})
    call("set_patient_medication", patient_id=patient, medication={"name": new_words(f"{how}: medication")})
    call("set_patient_details", patient_id=patient, changes={"address": {"line1": new_words(f"{how}: address")}, "blood_group": "AB-"})
    call("set_patient_contact", patient_id=patient, channel="voice", destination="+4930" + remember(ENCRYPTED, f"{how}: phone", digits(10)))
    call("set_patient_identifier", patient_id=patient, system="insurance:star", value=remember(ENCRYPTED, f"{how}: insurance number", digits(12)))
    first.last = remember(IDENTITY, f"{how}: new name", word().capitalize())
    first.name = f"{first.first} {first.last}"
    call("update_patient", patient_id=patient, changes={"name": first.name, "preferred_name": new_words(f"{how}: new preferred name", kind=IDENTITY)})
    call("record_disclosure", patient_id=patient, recipient="Registry", description=new_words(f"{how}: disclosure", 2), purpose="Duty",
         legal_basis="required_by_law")
    wish = call("request_correction", patient_id=patient, request=new_words(f"{how}: correction", 2))
    call("decide_correction", request_id=wish, accept="false", reason="It is right")
    call("note_disagreement", request_id=wish, statement=new_words(f"{how}: disagreement", 2))

    # Reading and searching.
    call("patient_profile", patient_id=patient)
    call("export_patient", patient_id=patient)
    call("get_patient", patient_id=patient)
    call("read_correction", request_id=wish)
    call("accounting_of_disclosures", patient_id=patient)
    call("find_duplicates", patient_id=patient)
    call("find_duplicates", demographics={"name": twin.name, "date_of_birth": twin.born, "phone": twin.phone, "email": twin.email})
    for argument, value in (("query", first.name), ("name", first.last), ("phone", first.phone), ("email", first.email), ("mrn", first.mrn),
                            ("date_of_birth", first.born)):
        if not call("search_patients", **{argument: value}):
            report(False, f"a patient is found by {argument}", how)
    call("search_patients", identifier_system="national:passport", identifier=first.passport)
    call.sql("SELECT p.patient_id, p.name FROM clinic.patients AS p WHERE p.name = %s AND p.date_of_birth = %s", first.name, first.born)
    call.sql("SELECT c.patient_id FROM clinic.patient_contacts AS c WHERE c.destination = %s", first.email)

    # Refused by the API.
    good = verhoeff("91" + digits(11))
    bad_abha = remember(ENCRYPTED, f"{how}: bad ABHA number", good[:-1] + str((int(good[-1]) + 1) % 10))
    call.refused("CL...|23505", "create_patient", name=first.name, mrn=first.mrn)
    call.refused("CL...|23505", "set_patient_identifier", patient_id=ids[gone], system="abha_number", value=first.abha)
    call.refused("22...", "create_patient", name=first.name, mrn=f"{remember(IDENTITY, f'{how}: bad MRN', word())}")
    call.refused("22...", "create_patient", name=first.name * 100)
    call.refused("22...", "create_patient", name=first.name, date_of_birth="2999-" + first.born[5:])
    for what, details in (("severity", {"allergies": [{"allergen": item["allergen"], "severity": word()}]}),
                          ("phone", {"contacts": [{"channel": "sms", "destination": new_words(f"{how}: bad phone")}]}),
                          ("e-mail", {"contacts": [{"channel": "email", "destination": new_words(f"{how}: bad e-mail")}]}),
                          ("blood group", {"blood_group": new_words(f"{how}: bad blood group")}),
                          ("address", {"address": {"planet": new_words(f"{how}: bad address")}}),
                          ("country", {"address": {"country": new_words(f"{how}: bad country")}}),
                          ("emergency contact", {"emergency_contact": {"name": new_words(f"{how}: bad emergency contact"), "phone": "12"}}),
                          ("identifier", {"identifiers": [{"system": "abha_number", "value": bad_abha}]}),
                          ("condition", {"conditions": [{"name": new_words(f"{how}: bad condition"), "onset_on": "2999-01-01"}]}),
                          ("medication", {"medications": [{"name": new_words(f"{how}: bad medication"), "from_on": word()}]}),
                          ("list", {"allergies": new_words(f"{how}: bad allergies")})):
        call.refused("22...", "create_patient", name=what, details=details)
    call.refused("22...", "update_patient", patient_id=patient, changes={"date_of_birth": new_words(f"{how}: bad date of birth", kind=IDENTITY)})
    call.refused("22...", "update_patient", patient_id=patient, changes={"mrn": new_words(f"{how}: bad new MRN", kind=IDENTITY)})
    call.refused("CL...|23505", "update_patient", patient_id=patient, changes={"mrn": gone.mrn})
    call.refused("22...", "search_patients", phone=new_words(f"{how}: bad phone to look for"))

    # A hold and a visit, with the call repeated, confirmed, and a note in their own words.
    tomorrow = str((datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(days=3)).date())
    hours = (8, 9, 10) if bound else (12, 13, 14)
    token = call.sql("SELECT h.hold_token FROM clinic.hold_slot(%s, %s, %s, %s, idempotency_key => %s) AS h", IDS["service"], patient,
                     f"{tomorrow} {hours[0]}:00Z", IDS["provider"], secret(f"{how}: key of a hold", word() * 3))[0][0]
    secret(f"{how}: hold token", token)
    call.refused("CL...", "confirm_hold", hold_token=secret(f"{how}: bad hold token", word() * 4))
    call("confirm_hold", hold_token=token)
    repeated = secret(f"{how}: idempotency key", word() * 3)
    for _ in range(2):
        call("book_appointment", service_id=IDS["service"], patient_id=ids[twin], starts_at=f"{tomorrow} {hours[1]}:00Z", provider_id=IDS["provider"],
             idempotency_key=repeated)

    # Messages: the outbox keeps them sealed until they are sent.
    ids[reached] = call("create_patient", name=reached.name, mrn=reached.mrn, date_of_birth=reached.born, details={"contacts": reached.details["contacts"][1:]})
    call("book_appointment", service_id=IDS["service"], patient_id=ids[reached], starts_at=f"{tomorrow} {hours[2]}:00Z", provider_id=IDS["provider"])
    claimed = send("claim_messages", max_messages=100)
    told = [row for row in claimed if row[3] and reached.email in row[3]]
    report(bool(told), f"a patient is written to ({how})", claimed)
    waiting = tables_text()["outbox"]
    report(told and str(told[0][0]).encode() in waiting and reached.email.encode() not in waiting, f"and the address is sealed where it waits ({how})", waiting)
    for row in claimed:
        send("finish_message", message_id=row[0])

    # Accounts.
    ada = f"1ea50001-0100-7000-8000-00000000000{1 if bound else 2}"
    login = f"{word()}@example.org"
    remember(ENCRYPTED, f"{how}: sign-in address", login)
    root.run("BEGIN; SELECT clinic.use_tenant('leaks')")
    root.run(f"SELECT clinic.create_user('staff', 'Ada', $1, all_locations => true, user_id => '{ada}')", login)
    root.run(f"SELECT clinic.map_login('ada', 'admin', '{{*}}', '{ada}'); COMMIT")
    own = Session("ada")
    mine = Caller(own, bound)
    password = f"{new_words(f'{how}: password', kind=SECRET)} {new_words(f'{how}: password', kind=SECRET)}"
    mine.refused("22...", "set_password", new_password=new_words(f"{how}: short password", kind=SECRET))
    mine("set_password", new_password=password)
    mine.refused("28...|CL...", "set_password", new_password=password + "x", old_password=new_words(f"{how}: wrong old password", kind=SECRET))
    visit.refused("28P01", "sign_in", tenant="leaks", identifier=login, password=new_words(f"{how}: wrong password", kind=SECRET))
    signed = visit("sign_in", tenant="leaks", identifier=login, password=password)[0]
    access, refresh = secret(f"{how}: signed token", signed[0]), secret(f"{how}: refresh token", signed[3])
    visit("authenticate", jwt=access)
    again = visit("refresh", refresh_token=refresh)[0]
    secret(f"{how}: next signed token", again[0])
    secret(f"{how}: next refresh token", again[3])
    visit.refused("28000", "refresh", refresh_token=refresh)
    visit.refused("28000", "refresh", refresh_token=secret(f"{how}: bad refresh token", word() * 4))
    visit.refused("28000", "authenticate", jwt=access[:-12] + secret(f"{how}: bad signature", word() + "abc"))
    key = call("create_api_key", user_id=IDS["robot"], name=f"key {how}")[0][1]
    secret(f"{how}: API key", key)
    visit("authenticate_key", api_key=key)
    visit.refused("28000", "authenticate_key", api_key=secret(f"{how}: bad API key", word() * 4))
    visit("request_code", tenant="leaks", identifier=login)
    claimed = send("claim_messages", max_messages=100)
    code = next(json.loads(row[4])["code"] for row in claimed if row[1] == "one_time_code")
    codes.append((how, code))
    visit.refused("28P01", "sign_in_with_code", tenant="leaks", identifier=login, code="000000" if code != "000000" else "111111")
    by_code = visit("sign_in_with_code", tenant="leaks", identifier=login, code=code)[0]
    secret(f"{how}: token for a code", by_code[0])
    secret(f"{how}: refresh token for a code", by_code[3])
    for row in claimed:
        send("finish_message", message_id=row[0])
    secret(f"{how}: secret of a subscriber", call("create_subscription", name=f"all {how}", url=f"https://receiver.com/{how}")[0][1])
    secret(f"{how}: next secret of a subscriber", call("rotate_subscription_secret", subscription_id=call.sql(
        "SELECT s.subscription_id FROM clinic.subscriptions AS s WHERE s.name = %s", f"all {how}")[0][0]))

    owner_errors(how, bound, patient, first, gone)
    watched(how, bound, first)

    # Merged, erased, and everything that follows by itself.
    call("merge_patients", master_patient_id=patient, duplicate_patient_id=ids[twin], reason="One person")
    call("erase_patient", patient_id=ids[gone], reason="Asked in writing", despite_retention="true")
    root.run("SELECT * FROM clinic.run_jobs()")
    for row in send("claim_messages", max_messages=100):
        send("finish_message", message_id=row[0])
    send("claim_deliveries", max_deliveries=100)
    send("claim_events", max_events=100)
    root.run("ANALYZE")
    for session in (desk, sender, visitor, own):
        session.close()
    return gone


codes = []


def owner_errors(how, bound, patient, first, gone):
    """Direct SQL of the tables' owner, and of a superuser, against keys and checks."""
    # A superuser sees the row that is in the way: it is in the answer to them, and in the log unless that is terse, as lint() says.
    for user in ("clinic_owner",) if bound else ("clinic_owner", "postgres"):
        session = Session()
        session.run(f"BEGIN; SELECT clinic.use_tenant('leaks'); SET LOCAL ROLE {user}")
        run = Caller(session, bound)
        for text, arguments in (("UPDATE clinic_data.patients SET mrn = %s WHERE patient_id = %s", (gone.mrn, patient)),
                                ("UPDATE clinic_data.patients SET sex = 'robot', name = %s WHERE patient_id = %s", (first.name, patient)),
                                ("INSERT INTO clinic_data.patients (tenant_id, patient_id, name, date_of_birth, status) VALUES (%s, clinic.new_id(), %s, %s, 'here')",
                                 (TENANT, first.name, first.born))):
            session.run("SAVEPOINT here")
            before = len(said)
            try:
                run.sql(text, *arguments)
                report(False, f"{user} meets a constraint", text)
            except Refused as error:
                fields = error.fields
                if user == "postgres":
                    del said[before:]
                elif fields["detail"]:
                    report(False, f"the owner of the tables is told of no row ({how})", fields)
            session.run("ROLLBACK TO here")
        session.run("ROLLBACK")
        session.close()


shown = {"others": [], "superuser": []}


def watched(how, bound, person):
    """What others see of a search while it runs."""
    busy = Session("desk")
    runner = Caller(busy, bound)
    thread = threading.Thread(target=lambda: runner.sql("SELECT pg_sleep(1.5), (SELECT count(*) FROM clinic.search_patients(name => %s, phone => %s))",
                                                        person.name, person.phone))
    thread.start()
    other = Session("bystander")
    for _ in range(4):
        shown["others"] += [" ".join(str(cell) for cell in row) for row in other.run("SELECT * FROM pg_stat_activity WHERE pid <> pg_backend_pid()")]
        if bound:
            shown["superuser"] += [" ".join(str(cell) for cell in row) for row in root.run("SELECT * FROM pg_stat_activity WHERE pid <> pg_backend_pid()")]
        other.run("SELECT pg_sleep(0.2)")
    thread.join()
    other.close()
    busy.close()
    report(any("active" in row for row in shown["superuser"]), f"there was something to see ({how})")


# ---------------------------------------------------------------------------------------------------------------------
# The search.

def tables_text():
    """What pg_dump says of each table: its rows; under no name what is not of a table."""
    dump = subprocess.run(["pg_dump", "-d", DATABASE], capture_output=True, check=True).stdout
    tables, current = {"": []}, ""
    for line in dump.split(b"\n"):
        if match := re.match(rb"COPY ([a-z_0-9.\"]+) ", line):
            current = match.group(1).decode().removeprefix("clinic_data.")
            tables.setdefault(current, [])
        elif line == b"\\.":
            current = ""
        else:
            tables[current].append(line)
    return {re.sub(r"_(p?\d{4}_?\d{2}|default)$", "", table): b"\n".join(lines) for table, lines in tables.items() if lines}


def found_in(text, kinds):
    """Which values of these classes stand in a text."""
    owners = {form: what for kind, what, forms in values if kind in kinds for form in forms}
    if not owners:
        return []
    # grep looks for all of them at once. It takes lines, so that those with line feeds are looked for here.
    with open(os.path.join(CLUSTER, "looked_for"), "wb") as patterns:
        patterns.write(b"\n".join(form for form in owners if b"\n" not in form))
    seen = subprocess.run(["grep", "-a", "-o", "-i", "-F", "-f", patterns.name], input=text, capture_output=True, check=False, env=dict(os.environ, LC_ALL="C")).stdout
    os.unlink(patterns.name)
    return sorted({owners[form.lower()] for form in seen.split(b"\n") if form} | {what for form, what in owners.items() if b"\n" in form and form in text.lower()})


def files_under(folder):
    for place, _, names in os.walk(os.path.join(DATA, folder)):
        for file in names:
            yield os.path.join(place, file)


def text_of(files):
    content = []
    for file in files:
        try:
            with open(file, "rb") as opened:
                content.append(opened.read())
        except FileNotFoundError:
            pass
    return b"\n".join(content)


def clean(description, text, kinds, exceptions=()):
    """Nothing of these classes is in a text, but for what an exception names by a pattern."""
    found = [what for what in found_in(text if isinstance(text, bytes) else text.encode(), kinds)
             if not any(re.search(exception, what) for exception in exceptions)]
    report(not found, description, *found)


def log():
    return text_of([os.path.join(CLUSTER, "server.log")])


def main():
    for key in open(os.path.join(CLUSTER, "master.keys"), encoding="ascii").read().split()[1::2]:
        remember(SECRET, "master key", key)
        remember(SECRET, "master key, its bytes", bytes.fromhex(key))
    set_up()
    everything = {ENCRYPTED, IDENTITY, SECRET}

    # With parameters the log may be as loud as it can, as long as it does not write them.
    erased = [life("bound", True)]
    loud = log()
    report(loud.count(b"execute <unnamed>") > 50 and b"clinic.create_patient" in loud, "the log holds the statements")
    clean("and the errors, and nothing that was bound", loud, everything)
    control = remember(ENCRYPTED, "control: a literal", word())
    root.run(f"SELECT '{control}'")
    report(found_in(log(), {ENCRYPTED}) == ["control: a literal"], "a literal in a statement that is logged would be found", found_in(log(), everything))
    advice = [row[0] for row in root.run("SELECT l.fix FROM clinic.lint() AS l WHERE l.rule = 'setting_leaks'")]
    report(any("log_min_duration_statement" in fix for fix in advice), "and lint() warns of it", advice)

    # As lint() says, literals stay out of the log too.
    for fix in advice:
        root.run(fix)
    root.run("SELECT pg_reload_conf()")
    root.run("SELECT pg_sleep(0.5)")
    values.pop()
    report(not root.run("SELECT l.object FROM clinic.lint() AS l WHERE l.rule = 'setting_leaks'"), "what lint() advises mends what it finds",
           root.run("SELECT l.object, l.finding FROM clinic.lint() AS l WHERE l.rule = 'setting_leaks'"))
    before = len(log())
    erased.append(life("literal", False))
    quiet = log()[before:]
    report(b"ERROR:" in quiet, "the log still has the errors", quiet)
    clean("and none of the literals", quiet, everything)

    # What PostgreSQL itself cannot read does not reach the API.
    desk = Session("desk")
    bad_json, bad_date = remember(ENCRYPTED, "in text that is no JSON", word()), remember(IDENTITY, "a date that is none", word())
    for text, value in (("SELECT clinic.create_patient('X', details => $1)", f'{{"blood_group": {bad_json}'), ("SELECT clinic.create_patient('X', date_of_birth => $1)", bad_date)):
        try:
            desk.run(text, value, label=None)
        except Refused:
            pass
    desk.close()
    clean("what stands in text that is no JSON is not in the log", log()[before:], everything, ["a date that is none"])
    report(found_in(log()[before:], {IDENTITY}) == ["a date that is none"], "a date that PostgreSQL cannot read is, as the documentation says")
    values.pop()

    # What was answered, sent and shown.
    clean("errors, warnings and notices", "\n".join(f"{what} {text}" for what, text in said), everything)
    report(len(said) > 50, "there were some", len(said))
    root.run("SELECT 1")
    clean("notifications", "\n".join(notified), everything)
    report(len(notified) > 5, "there were some of each", notified)
    clean("what others see in pg_stat_activity", "\n".join(shown["others"]), everything)
    clean("what a superuser sees there of statements with parameters", "\n".join(shown["superuser"]), everything)
    seen = root.run("SELECT s.query FROM pg_stat_statements AS s")
    report(any("search_patients" in row[0] for row in seen), "pg_stat_statements has the statements")
    clean("and none of the values", "\n".join(row[0] for row in seen), everything)

    # What the database keeps.
    root.run("SELECT clinic.ingest_audit(), count(*) FROM clinic.seal_audit()")
    root.run("SELECT count(*) FROM clinic.seal_audit()")
    root.run("ANALYZE")
    statistics = root.run("SELECT s.tablename, s.attname, concat_ws(' ', s.most_common_vals, s.histogram_bounds, s.most_common_elems) FROM pg_stats AS s WHERE s.schemaname = 'clinic_data'")
    report(len(statistics) > 100, "there are statistics", len(statistics))
    leaks = found_in("\n".join(row[2] for row in statistics).encode(), everything)
    report(not leaks, "and they hold none of the values", [row[:2] for row in statistics if leaks and found_in(row[2].encode(), everything)], leaks)
    tables = tables_text()
    allowed = {ENCRYPTED: {}, IDENTITY: {"patients": ".*"}, SECRET: {}}
    for kind, where in allowed.items():
        leaks = {table: rest for table, text in tables.items()
                 if (rest := [what for what in found_in(text, {kind}) if not re.search(where.get(table, "$^"), what)])}
        report(not leaks, f"in a dump values of class {kind} stand where they should alone ({', '.join(where) or 'nowhere'})", leaks)
    report(sum(what.split(":")[0] != "bound" for what in found_in(tables["patients"], {IDENTITY})) > 10, "names, dates of birth and numbers stand in patients",
           found_in(tables["patients"], {IDENTITY}))
    keys = [table for table, text in tables.items() if b"PRIVATE KEY" in text]
    report(not keys and b"sealed " in tables["token_keys"], "the key that signs tokens is sealed", keys)
    groups = [table for table, text in tables.items() if table and re.search(rb"(?<![0-9A-Za-z-])AB-(?![0-9A-Za-z])", text)]
    report(not groups, "a blood group is nowhere", groups)
    gone = [what for what in found_in(b"\n".join(tables.values()), everything) if what.split(":")[0] in {person.who for person in erased}]
    report(not gone, "of an erased patient nothing is left", gone)
    owner = subprocess.run(["pg_dump", "--role=clinic_owner", "--enable-row-security", "--data-only", "-n", "clinic_data", "-d", DATABASE], capture_output=True, check=False)
    clean("a dump as the tables' owner shows no value at all", owner.stdout, everything)
    for how, code in codes:
        place = [table for table, text in tables.items() if re.search(rb"(?<![0-9.])" + code.encode() + rb"(?![0-9])", text)]
        report(not place, f"a one-time code is nowhere ({how})", place)

    # What the server's files hold.
    root.run("CHECKPOINT")
    clean("the files of the tables", text_of(files_under("base")), {ENCRYPTED, SECRET})
    clean("the WAL", text_of(files_under("pg_wal")), {ENCRYPTED, SECRET})
    spool = text_of(files_under("pg_clinic_spool"))
    clean("the spool of reads", spool, everything)
    others = [file for folder in os.listdir(DATA) if folder not in ("base", "pg_wal") for file in
              ([os.path.join(DATA, folder)] if os.path.isfile(os.path.join(DATA, folder)) else files_under(folder))]
    clean("every other file of the cluster", text_of(others), everything)
    with open(HEADS, "rb") as heads:
        exported = heads.read()
    report(b"root_hash" in exported, "heads were exported", exported)
    clean("and hold none of the values", exported, everything)


main()
