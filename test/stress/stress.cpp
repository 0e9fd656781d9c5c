// Books, moves, cancels, swaps and reassigns from many connections at once, and says whether every promise was kept.
//
//   stress run  --scenario hot|group|random|multi --isolation "read committed|repeatable read|serializable"
//               --clients 16 --seconds 5 --seed 1 [--acks FILE] [--crash]
//   stress check --acks FILE        (after a crash: what was acknowledged must be there)
//
// The server is that of PGHOST, PGPORT and PGDATABASE, prepared by setup.sql. Everything random comes from the seed; what
// the scheduler does with it does not. Each broken promise is a line "BROKEN: ..." and makes the exit status 1.
#include <libpq-fe.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <barrier>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <random>
#include <set>
#include <sstream>
#include <stdexcept>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

namespace {

using Clock = std::chrono::steady_clock;
using Text = std::optional<std::string>;

struct Options {
    std::string action;
    std::string scenario = "random";
    std::string isolation = "read committed";
    int clients = 16;
    double seconds = 5;
    unsigned seed = 1;
    std::string acks;   // file to which acknowledged changes go, or from which they come
    bool crash = false; // the server will be killed in mid-load
};

// ---------------------------------------------------------------------------------------------------------------------
// Talking to the server

struct Answer {
    std::string sqlstate; // empty: success
    std::string message;
    std::string detail;
    std::vector<std::vector<std::string>> rows;
    bool lost = false; // the connection is gone, and with it the knowledge whether it happened

    bool good() const { return sqlstate.empty() && !lost; }
};

class Connection {
  public:
    explicit Connection(const std::string &user, const std::string &options = {}) {
        const std::array<const char *, 3> keys{"user", "options", nullptr};
        const std::array<const char *, 3> values{user.c_str(), options.c_str(), nullptr};
        handle_.reset(PQconnectdbParams(keys.data(), values.data(), 0));
        if (PQstatus(handle_.get()) != CONNECTION_OK)
            throw std::runtime_error(PQerrorMessage(handle_.get()));
        PQsetNoticeProcessor(
            handle_.get(), [](void *, const char *) {}, nullptr);
    }

    // Without arguments there may be several statements; the answer is the last one's.
    Answer query(const std::string &sql, const std::vector<Text> &arguments = {}) {
        std::vector<const char *> values;
        for (const Text &a : arguments)
            values.push_back(a ? a->c_str() : nullptr);
        const std::unique_ptr<PGresult, decltype(&PQclear)> result(
            values.empty() ? PQexec(handle_.get(), sql.c_str())
                           : PQexecParams(handle_.get(), sql.c_str(), static_cast<int>(values.size()), nullptr,
                                          values.data(), nullptr, nullptr, 0),
            &PQclear);
        Answer answer;
        const ExecStatusType status = PQresultStatus(result.get());
        if (status != PGRES_TUPLES_OK && status != PGRES_COMMAND_OK) {
            const auto field = [&result](int code) {
                const char *text = PQresultErrorField(result.get(), code);
                return std::string(text == nullptr ? "" : text);
            };
            answer.sqlstate = field(PG_DIAG_SQLSTATE);
            answer.message = field(PG_DIAG_MESSAGE_PRIMARY);
            answer.detail = field(PG_DIAG_MESSAGE_DETAIL);
            answer.lost = PQstatus(handle_.get()) != CONNECTION_OK || answer.sqlstate.empty() ||
                          answer.sqlstate.starts_with("57P");
            return answer;
        }
        for (int r = 0; r < PQntuples(result.get()); ++r) {
            auto &row = answer.rows.emplace_back();
            for (int c = 0; c < PQnfields(result.get()); ++c)
                row.emplace_back(PQgetvalue(result.get(), r, c));
        }
        return answer;
    }

  private:
    std::unique_ptr<PGconn, decltype(&PQfinish)> handle_{nullptr, &PQfinish};
};

// ---------------------------------------------------------------------------------------------------------------------
// What was acknowledged

// One change of one appointment, as the client knows it.
enum class Fate { booked, cancelled, unknown_booking, unknown_cancel };

class Ledger {
  public:
    explicit Ledger(const std::string &file) {
        if (!file.empty())
            file_.open(file);
    }

    void note(Fate fate, const std::string &appointment) {
        const std::lock_guard guard(mutex_);
        static constexpr std::array names{"booked", "cancelled", "unknown_booking", "unknown_cancel"};
        if (file_.is_open())
            file_ << names[static_cast<std::size_t>(fate)] << ' ' << (appointment.empty() ? "-" : appointment) << '\n'
                  << std::flush;
        if (fate == Fate::booked) {
            live_.insert(appointment);
            known_.push_back(appointment);
        } else if (fate == Fate::cancelled) {
            live_.erase(appointment);
        }
    }

    // Any appointment that was ever booked; sometimes a cancelled one.
    Text any(std::mt19937 &random) {
        const std::lock_guard guard(mutex_);
        if (known_.empty())
            return std::nullopt;
        // Recent ones are more likely to be alive and in others' hands.
        const std::size_t from = known_.size() > 60 ? known_.size() - 60 : 0;
        return known_[std::uniform_int_distribution<std::size_t>(from, known_.size() - 1)(random)];
    }

    const std::set<std::string> &live() const { return live_; }

  private:
    std::mutex mutex_;
    std::set<std::string> live_;
    std::vector<std::string> known_;
    std::ofstream file_;
};

// ---------------------------------------------------------------------------------------------------------------------
// Counting outcomes

class Tally {
  public:
    explicit Tally(Connection &connection) {
        for (const auto &row : connection.query("SELECT sqlstate, code FROM clinic.error_codes()").rows)
            codes_[row[0]] = row[1];
    }

    // Notes an outcome; complains about those that must not happen.
    void note(const char *operation, const Answer &answer, Clock::duration took) {
        if (answer.lost)
            return;
        const std::lock_guard guard(mutex_);
        const auto known = codes_.find(answer.sqlstate);
        const std::string name = answer.good() ? "done" : known == codes_.end() ? answer.sqlstate : known->second;
        ++counts_[std::string(operation) + " " + name];
        longest_ = std::max(longest_, took);
        if (!answer.good() && (known == codes_.end() || !expected(name)))
            complain(std::string(operation) + ": " + answer.sqlstate + " " + answer.message + " " + answer.detail);
        if (name == "slot_taken" && answer.detail.find("\"alternatives\"") == std::string::npos)
            complain("slot_taken without alternatives: " + answer.detail);
    }

    void complain(const std::string &text) {
        if (++broken_ <= 20)
            std::printf("BROKEN: %.200s\n", text.c_str());
    }

    void broken(const std::string &text) {
        const std::lock_guard guard(mutex_);
        complain(text);
    }

    int broken() const { return broken_; }

    int count(const std::string &outcome) {
        const std::lock_guard guard(mutex_);
        return counts_[outcome];
    }

    void print() const {
        for (const auto &[name, count] : counts_)
            std::printf("%8d  %s\n", count, name.c_str());
        std::printf("%8.0f  ms, the longest answer\n", std::chrono::duration<double, std::milli>(longest_).count());
    }

    void allow_busy() { busy_allowed_ = true; }

  private:
    bool expected(const std::string &name) const {
        static const std::set<std::string> refusals{"slot_taken",       "full",          "no_resource",
                                                    "patient_conflict", "duplicate",     "limit",
                                                    "bad_transition",   "outside_hours", "off_grid"};
        return refusals.contains(name) || (busy_allowed_ && name == "busy");
    }

    std::mutex mutex_;
    std::map<std::string, std::string> codes_;
    std::map<std::string, int> counts_;
    Clock::duration longest_{};
    int broken_ = 0;
    bool busy_allowed_ = false;
};

// ---------------------------------------------------------------------------------------------------------------------
// One client

std::string numbered(const char *kind, int n) {
    std::array<char, 64> text{};
    std::snprintf(text.data(), text.size(), "00000000-%s-7000-8000-%012d", kind, n);
    return text.data();
}

// A start in the open week: day 0 is Monday, quarters count from 9:00.
std::string start_at(int day, int quarter) {
    std::array<char, 64> text{};
    std::snprintf(text.data(), text.size(), "2035-03-%02d %02d:%02d:00+01", 5 + day, 9 + quarter / 4, quarter % 4 * 15);
    return text.data();
}

class Client {
  public:
    Client(const Options &options, Tally &tally, Ledger &ledger, int number)
        : tally_(tally), ledger_(ledger), random_(options.seed * 1000U + static_cast<unsigned>(number)),
          connection_("stress_desk", "-c default_transaction_isolation=" + escaped(options.isolation)) {}

    // Books, and returns the appointment's id when it was done.
    Text book(int service, const Text &patient, const std::string &start, const Text &provider, bool note = true) {
        const Answer answer =
            timed("book",
                  "SELECT appointment_id FROM clinic.book_appointment(service_id => $1, patient_id => $2,"
                  " starts_at => $3, provider_id => $4)",
                  {numbered("0040", service), patient, start, provider});
        if (answer.lost)
            lose(Fate::unknown_booking, {});
        if (!answer.good())
            return std::nullopt;
        if (note)
            ledger_.note(Fate::booked, answer.rows[0][0]);
        return answer.rows[0][0];
    }

    bool cancel(const std::string &appointment, bool note = true) {
        const Answer answer = timed("cancel", "SELECT * FROM clinic.cancel_appointment($1)", {appointment});
        if (answer.lost)
            lose(Fate::unknown_cancel, appointment);
        if (answer.good() && note)
            ledger_.note(Fate::cancelled, appointment);
        return answer.good();
    }

    bool reschedule(const std::string &appointment, const std::string &start, const Text &provider) {
        return plain("reschedule", "SELECT * FROM clinic.reschedule_appointment($1, $2, $3)",
                     {appointment, start, provider});
    }

    bool swap(const std::string &one, const std::string &other) {
        return plain("swap", "SELECT * FROM clinic.swap_appointments($1, $2)", {one, other});
    }

    bool reassign(const std::string &provider, int day) {
        return plain("reassign", "SELECT count(*) FROM clinic.reassign_day($1, $2::date, 'skip')",
                     {provider, start_at(day, 0)});
    }

    int number(int low, int high) { return std::uniform_int_distribution<int>(low, high)(random_); }
    Text patient() { return numbered("0050", number(1, 40)); }
    Text provider() { return number(1, 4) == 1 ? std::nullopt : Text(numbered("0020", number(1, 3))); }
    // Two days, starts on the half hour more often than between.
    std::string start() { return start_at(number(0, 1), number(0, 2) > 0 ? 2 * number(0, 15) : number(0, 31)); }
    Text known() { return ledger_.any(random_); }
    bool gone() const { return gone_; }
    Connection &connection() { return connection_; }

    // One change chosen at random, in a transaction of its own.
    void step() {
        const int choice = number(1, 100);
        const Text one = known();
        if (choice <= 50 || !one) {
            book(number(1, 5), patient(), start(), provider());
        } else if (choice <= 70) {
            cancel(*one);
        } else if (choice <= 90) {
            reschedule(*one, start(), number(0, 1) == 0 ? std::nullopt : provider());
        } else if (choice <= 92) {
            reassign(numbered("0020", number(1, 3)), number(0, 1));
        } else if (const Text other = known(); *other != *one) {
            swap(*one, *other);
        }
    }

    // Several changes in one transaction, in whatever order they come; all or nothing.
    void transaction() {
        if (!plain("begin", "BEGIN", {}))
            return;
        std::vector<std::pair<Fate, std::string>> changes;
        bool good = true;
        for (int left = number(2, 4); left > 0 && good && !gone_; --left) {
            const int choice = number(1, 100);
            const Text one = known();
            if (choice <= 70 || !one) {
                const Text made = book(number(1, 5), patient(), start(), provider(), false);
                good = made.has_value();
                if (made)
                    changes.emplace_back(Fate::booked, *made);
            } else if (choice <= 85) {
                good = cancel(*one, false);
                if (good)
                    changes.emplace_back(Fate::cancelled, *one);
            } else {
                good = reschedule(*one, start(), std::nullopt);
            }
        }
        if (gone_)
            return;
        if (!good) {
            plain("rollback", "ROLLBACK", {});
            return;
        }
        if (plain("commit", "COMMIT", {}))
            for (const auto &[fate, appointment] : changes)
                ledger_.note(fate, appointment);
    }

  private:
    static std::string escaped(const std::string &value) {
        std::string out;
        for (const char c : value) {
            if (c == ' ')
                out += '\\';
            out += c;
        }
        return out;
    }

    Answer timed(const char *operation, const std::string &sql, const std::vector<Text> &arguments) {
        const auto before = Clock::now();
        Answer answer = connection_.query(sql, arguments);
        tally_.note(operation, answer, Clock::now() - before);
        return answer;
    }

    bool plain(const char *operation, const std::string &sql, const std::vector<Text> &arguments) {
        const Answer answer = timed(operation, sql, arguments);
        gone_ = gone_ || answer.lost;
        return answer.good();
    }

    void lose(Fate fate, const std::string &appointment) {
        gone_ = true;
        ledger_.note(fate, appointment);
    }

    Tally &tally_;
    Ledger &ledger_;
    std::mt19937 random_;
    Connection connection_;
    bool gone_ = false;
};

// ---------------------------------------------------------------------------------------------------------------------
// Scenarios

using Clients = std::vector<std::unique_ptr<Client>>;

template <class Body> void in_parallel(Clients &clients, Body body) {
    std::vector<std::thread> threads;
    for (std::size_t i = 0; i < clients.size(); ++i)
        threads.emplace_back([&body, &clients, i] { body(*clients[i], static_cast<int>(i)); });
    for (std::thread &t : threads)
        t.join();
}

Clock::time_point deadline(const Options &options) {
    return Clock::now() + std::chrono::duration_cast<Clock::duration>(std::chrono::duration<double>(options.seconds));
}

// Everybody wants the same slot, again and again: exactly as many get it as there are seats.
void hot(const Options &options, Clients &clients, Tally &tally) {
    const bool group = options.scenario == "group";
    const int seats = std::min(group ? 4 : 1, options.clients);
    const char *const refusal = group ? "book full" : "book slot_taken";
    const auto end = deadline(options);
    int round = 0, won = 0, lost = 0;
    std::atomic<bool> finished = false;
    std::vector<Text> booked(clients.size());
    const auto all_have_tried = [&]() noexcept {
        const auto winners = std::count_if(booked.begin(), booked.end(), [](const Text &b) { return b.has_value(); });
        won += seats;
        lost += options.clients - seats;
        if (winners != seats)
            tally.broken("a slot with " + std::to_string(seats) + " seats was booked " + std::to_string(winners) +
                         " times");
        if (tally.count("book done") != won || tally.count(refusal) != lost)
            tally.broken("somebody was refused for another reason");
        ++round;
        finished = Clock::now() >= end || round == (group ? 35 : 75);
    };
    std::barrier everybody(static_cast<std::ptrdiff_t>(clients.size()), all_have_tried);
    in_parallel(clients, [&](Client &client, int n) {
        while (!finished) {
            const int day = round / (group ? 7 : 15), place = round % (group ? 7 : 15);
            booked[static_cast<std::size_t>(n)] = client.book(
                group ? 3 : 1, numbered("0050", n + 1), start_at(day, place * (group ? 4 : 2)), numbered("0020", 1));
            everybody.arrive_and_wait();
        }
    });
    std::printf("%8d  rounds\n", round);
}

void at_random(const Options &options, Clients &clients) {
    const auto end = deadline(options);
    in_parallel(clients, [&](Client &client, int) {
        while (Clock::now() < end && !client.gone())
            options.scenario == "multi" ? client.transaction() : client.step();
    });
}

// ---------------------------------------------------------------------------------------------------------------------
// The verdict

std::string file_text(const std::string &name) {
    std::ifstream in(name);
    if (!in)
        throw std::runtime_error("cannot read " + name);
    std::ostringstream out;
    out << in.rdbuf();
    return out.str();
}

std::set<std::string> booked_now(Connection &admin) {
    std::set<std::string> found;
    for (const auto &row :
         admin.query("SELECT appointment_id FROM clinic_data.appointments WHERE status <> 'cancelled'").rows)
        found.insert(row[0]);
    return found;
}

// No overlap, no seat too many, every visit with its claims; the engine's own check agrees.
void check_database(Connection &admin, Tally &tally, const std::string &verify_sql) {
    const Answer problems = admin.query(file_text(verify_sql));
    if (!problems.good())
        tally.broken("the check failed: " + problems.message);
    for (const auto &row : problems.rows)
        tally.broken(row[0] + ": " + row[1] + " " + row[2]);
    Connection desk("stress_desk");
    const Answer integrity = desk.query("SELECT problem, source, source_id, detail FROM clinic.check_integrity()");
    if (!integrity.good())
        tally.broken("check_integrity() failed: " + integrity.message);
    for (const auto &row : integrity.rows)
        tally.broken("check_integrity(): " + row[0] + " " + row[1] + " " + row[2] + " " + row[3]);
}

int run(const Options &options, const std::string &verify_sql) {
    Connection admin("postgres");
    Tally tally(admin);
    if (options.scenario == "multi")
        tally.allow_busy();
    Ledger ledger(options.acks);
    for (const std::string &id : booked_now(admin))
        ledger.note(Fate::booked, id);
    {
        Clients clients;
        for (int i = 0; i < options.clients; ++i)
            clients.push_back(std::make_unique<Client>(options, tally, ledger, i));
        if (options.scenario == "hot" || options.scenario == "group")
            hot(options, clients, tally);
        else
            at_random(options, clients);
    }
    tally.print();
    if (options.crash)
        return tally.broken() == 0 ? 0 : 1;
    check_database(admin, tally, verify_sql);
    const std::set<std::string> there = booked_now(admin);
    std::printf("%8zu  visits acknowledged and standing, %zu in the table\n", ledger.live().size(), there.size());
    if (ledger.live() != there)
        tally.broken("what was acknowledged is not what is there");
    return tally.broken() == 0 ? 0 : 1;
}

// After a crash: everything acknowledged is there, and nothing else but what nobody knows of.
int check_acks(const Options &options, const std::string &verify_sql) {
    Connection admin("postgres");
    Tally tally(admin);
    std::set<std::string> live, cancelled, doubtful;
    std::size_t unknown = 0, acknowledged = 0;
    std::ifstream in(options.acks);
    for (std::string fate, id; in >> fate >> id;) {
        if (fate == "booked") {
            live.insert(id);
            ++acknowledged;
        } else if (fate == "cancelled") {
            live.erase(id);
            cancelled.insert(id);
        } else if (fate == "unknown_cancel") {
            doubtful.insert(id);
        } else {
            ++unknown;
        }
    }
    const std::set<std::string> there = booked_now(admin);
    std::size_t extra = 0;
    for (const std::string &id : live)
        if (!there.contains(id) && !doubtful.contains(id))
            tally.broken("an acknowledged booking is lost: " + id);
    for (const std::string &id : there) {
        if (cancelled.contains(id))
            tally.broken("an acknowledged cancellation is lost: " + id);
        else if (!live.contains(id))
            ++extra;
    }
    if (extra > unknown)
        tally.broken(std::to_string(extra) + " bookings that nobody made");
    check_database(admin, tally, verify_sql);
    std::printf("%8zu  bookings acknowledged, %zu standing, %zu in the table, %zu unanswered\n", acknowledged,
                live.size(), there.size(), unknown);
    return tally.broken() == 0 && acknowledged > 0 ? 0 : 1;
}

Options parse(int count, char **words) {
    Options o;
    if (count < 2)
        throw std::runtime_error("usage: stress run|check [options]");
    o.action = words[1];
    for (int i = 2; i < count; ++i) {
        const std::string_view name = words[i];
        if (name == "--crash") {
            o.crash = true;
            continue;
        }
        if (i + 1 == count)
            throw std::runtime_error(std::string(name) + " needs a value");
        const std::string value = words[++i];
        if (name == "--scenario")
            o.scenario = value;
        else if (name == "--isolation")
            o.isolation = value;
        else if (name == "--clients")
            o.clients = std::stoi(value);
        else if (name == "--seconds")
            o.seconds = std::stod(value);
        else if (name == "--seed")
            o.seed = static_cast<unsigned>(std::stoul(value));
        else if (name == "--acks")
            o.acks = value;
        else
            throw std::runtime_error("unknown option " + std::string(name));
    }
    return o;
}

} // namespace

int main(int count, char **words) {
    try {
        std::setvbuf(stdout, nullptr, _IOLBF, 0);
        const Options options = parse(count, words);
        const char *const directory = std::getenv("STRESS_DIR");
        const std::string verify_sql = std::string(directory == nullptr ? "test/stress" : directory) + "/verify.sql";
        return options.action == "check" ? check_acks(options, verify_sql) : run(options, verify_sql);
    } catch (const std::exception &error) {
        std::printf("BROKEN: %s\n", error.what());
        return 2;
    }
}
