// The spool of the audit: see audit_spool.hpp. A file is open as long as its backend, which holds a shared lock on it: the kernel lets
// go of it when the backend is gone, however it went, and whoever gets the lock for themselves knows that nothing more will come.
#include "pg/audit_spool.hpp"

#include "pg/audit_spool_format.hpp"
#include "pg/errors.hpp"
#include "pg/settings.hpp"

#include <cerrno>
#include <system_error>

#include <dirent.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

extern "C" {
#include "access/xlog.h"
#include "postmaster/postmaster.h"
}

namespace pg_clinic::pg {

namespace {

constexpr const char *directory = "pg_clinic_spool"; // a backend's working directory is the data directory
constexpr off_t most_file_bytes = 16 * 1024 * 1024;

enum Durability : int { durable_os, durable_disk };
constexpr config_enum_entry durabilities[] = {
    {"os", durable_os, false}, {"disk", durable_disk, false}, {nullptr, 0, false}};
constinit int durability = durable_os;

enum Standby : int { standby_refuse, standby_spool };
constexpr config_enum_entry standbys[] = {
    {"refuse", standby_refuse, false}, {"spool", standby_spool, false}, {nullptr, 0, false}};
constinit int standby = standby_refuse;

// The present file of this backend. A process that was forked has another id, and opens its own.
struct Open {
    int fd = -1;
    int process = 0;
    int number = 0;
    off_t bytes = 0;
};
constinit Open present;

class Descriptor {
  public:
    explicit Descriptor(int fd) : fd_(fd) {}
    ~Descriptor() {
        if (fd_ >= 0)
            close(fd_);
    }
    Descriptor(const Descriptor &) = delete;
    Descriptor &operator=(const Descriptor &) = delete;
    int get() const { return fd_; }
    int release() { return std::exchange(fd_, -1); }

  private:
    int fd_;
};

std::string path_of(const std::string &name) { return std::string(directory) + "/" + name; }

// An error of a file; thrown where nothing of the server is to be asked.
struct FileError {
    int number;
    const char *what;
};

[[noreturn]] void failed(const char *what) { throw FileError{errno, what}; }

void sync_directory() {
    const Descriptor fd(open(directory, O_RDONLY | O_CLOEXEC));
    if (fd.get() < 0 || fsync(fd.get()) != 0)
        failed("sync the directory of the spool");
}

void open_file() {
    if (mkdir(directory, S_IRWXU) != 0 && errno != EEXIST)
        failed("make the directory of the spool");
    const std::string name = std::to_string(MyDatabaseId) + "-" + std::to_string(MyProcPid) + "-" +
                             std::to_string(GetCurrentTimestamp()) + "-" + std::to_string(present.number++) + ".spool";
    // Readers know it by its last name only, and by then it is locked.
    const std::string path = path_of(name), first = path + ".new";
    Descriptor fd(open(first.c_str(), O_WRONLY | O_APPEND | O_CREAT | O_EXCL | O_CLOEXEC, S_IRUSR | S_IWUSR));
    if (fd.get() < 0)
        failed("make a file of the spool");
    if (flock(fd.get(), LOCK_SH | LOCK_NB) != 0)
        failed("lock a file of the spool");
    if (rename(first.c_str(), path.c_str()) != 0)
        failed("name a file of the spool");
    if (durability == durable_disk)
        sync_directory();
    present.fd = fd.release();
    present.process = MyProcPid;
    present.bytes = 0;
}

void leave_file() {
    if (present.fd >= 0)
        close(present.fd);
    present.fd = -1;
}

void append(std::string_view bytes) {
    if (present.fd >= 0 && (present.process != MyProcPid || present.bytes >= most_file_bytes))
        leave_file();
    if (present.fd < 0)
        open_file();
    std::string_view rest = bytes;
    while (!rest.empty()) {
        const ssize_t count = write(present.fd, rest.data(), rest.size());
        if (count > 0) {
            rest.remove_prefix(static_cast<std::size_t>(count));
            continue;
        }
        if (count < 0 && errno == EINTR)
            continue;
        const int number = count == 0 ? ENOSPC : errno;
        // Half a record must have nothing behind it: the file ends before it, or gets nothing more.
        if (ftruncate(present.fd, present.bytes) != 0)
            leave_file();
        throw FileError{number, "write to the spool"};
    }
    present.bytes += static_cast<off_t>(bytes.size());
    if (durability == durable_disk && fdatasync(present.fd) != 0) {
        const int number = errno;
        leave_file(); // what the kernel could not write it may have forgotten
        throw FileError{number, "sync the spool"};
    }
}

std::string encoded(std::span<SpoolRecord> records) {
    std::string bytes;
    const core::Instant now{GetCurrentTimestamp()};
    for (SpoolRecord &record : records) {
        record.audit_id = new_wall_id();
        record.recorded_at = now;
        append_record(bytes, record);
    }
    return bytes;
}

bool refused_here() { return standby == standby_refuse && RecoveryInProgress(); }

[[noreturn]] void raise_file_error(const FileError &error) {
    const bool full = error.number == ENOSPC || error.number == EDQUOT;
    fail(full ? ERRCODE_DISK_FULL : ERRCODE_IO_ERROR,
         std::string("the read cannot be recorded: could not ") + error.what + ": " +
             std::generic_category().message(error.number),
         "No rows of patients leave without a record.", "Look at the directory pg_clinic_spool of the data directory.");
}

} // namespace

void write_spool(std::span<SpoolRecord> records) {
    if (records.empty())
        return;
    if (refused_here())
        fail(ERRCODE_READ_ONLY_SQL_TRANSACTION, "data of patients cannot be read on this standby",
             "What is read leaves a record, which a standby cannot put into the audit.",
             "Read on the primary, or let the standby keep records in its own spool: clinic.audit_standby = spool.");
    const std::string bytes = encoded(records);
    try {
        append(bytes);
    } catch (const FileError &error) {
        raise_file_error(error);
    }
}

void write_spool_quietly(std::span<SpoolRecord> records) noexcept {
    try {
        if (!records.empty())
            append(encoded(records));
    } catch (const FileError &error) {
        // The statement has failed already; that its reads left no record must at least be known.
        std::fputs("pg_clinic: reads of a failed statement left no record: could not ", stderr);
        std::fputs(error.what, stderr);
        std::fputs("\n", stderr);
    } catch (...) {
        std::fputs("pg_clinic: reads of a failed statement left no record\n", stderr);
    }
}

// ---- Reading

std::vector<SpoolFile> spool_files() {
    std::vector<SpoolFile> files;
    DIR *dir = opendir(directory);
    if (dir == nullptr) {
        if (errno == ENOENT)
            return files;
        raise_file_error({errno, "open the directory of the spool"});
    }
    const std::unique_ptr<DIR, int (*)(DIR *)> closing(dir, &closedir);
    constexpr std::string_view ending = ".spool";
    while (const dirent *entry = readdir(dir)) {
        const std::string_view name = entry->d_name;
        struct stat facts {};
        Oid database = InvalidOid;
        if (!name.ends_with(ending) ||
            std::from_chars(name.data(), name.data() + name.size(), database).ec != std::errc() ||
            stat(path_of(std::string(name)).c_str(), &facts) != 0)
            continue;
        const std::int64_t unix_micros = facts.st_mtim.tv_sec * std::int64_t{1'000'000} + facts.st_mtim.tv_nsec / 1000;
        files.push_back({std::string(name),
                         database,
                         static_cast<std::uint64_t>(facts.st_size),
                         {unix_micros - (POSTGRES_EPOCH_JDATE - UNIX_EPOCH_JDATE) * USECS_PER_DAY}});
    }
    std::sort(files.begin(), files.end(), [](const SpoolFile &a, const SpoolFile &b) { return a.name < b.name; });
    return files;
}

std::optional<SpoolPart> read_spool(const std::string &name, std::uint64_t from, std::size_t most) {
    constexpr std::size_t piece = 4 * 1024 * 1024;
    const Descriptor fd(open(path_of(name).c_str(), O_RDONLY | O_CLOEXEC));
    if (fd.get() < 0) {
        if (errno == ENOENT)
            return std::nullopt;
        raise_file_error({errno, "open a file of the spool"});
    }
    SpoolPart part;
    // Asked before reading: what a living backend adds meanwhile comes next time.
    part.writer_lives = flock(fd.get(), LOCK_EX | LOCK_NB) != 0;
    part.end = from;
    std::string bytes;
    for (bool more = true; more;) {
        const std::size_t had = bytes.size();
        bytes.resize(had + piece);
        const ssize_t count = pread(fd.get(), bytes.data() + had, piece, static_cast<off_t>(part.end + had));
        if (count < 0)
            raise_file_error({errno, "read a file of the spool"});
        bytes.resize(had + static_cast<std::size_t>(count));
        more = count > 0;
        std::string_view rest = bytes;
        for (;;) {
            if (part.records.size() >= most) {
                part.state = SpoolPart::State::partly;
                more = false;
                break;
            }
            SpoolRecord record;
            const RecordState state = take_record(rest, record);
            if (state == RecordState::whole) {
                part.records.push_back(std::move(record));
                continue;
            }
            if (state == RecordState::damaged) {
                part.state = SpoolPart::State::damaged;
                more = false;
            }
            break;
        }
        part.end += bytes.size() - rest.size();
        bytes.erase(0, bytes.size() - rest.size());
    }
    return part;
}

void remove_spool(const std::string &name) {
    if (unlink(path_of(name).c_str()) != 0 && errno != ENOENT)
        raise_file_error({errno, "remove a file of the spool"});
}

void set_spool_aside(const std::string &name) {
    if (rename(path_of(name).c_str(), path_of(name + ".damaged").c_str()) != 0 && errno != ENOENT)
        raise_file_error({errno, "rename a file of the spool"});
}

std::optional<std::string> spool_trouble() {
    struct stat facts {};
    if (lstat(directory, &facts) != 0)
        return errno == ENOENT ? std::nullopt : std::optional<std::string>("it cannot be looked at");
    if (!S_ISDIR(facts.st_mode))
        return "it is no directory";
    if (facts.st_uid != geteuid())
        return "it belongs to another user than the server";
    if ((facts.st_mode & (S_IRWXG | S_IRWXO)) != 0)
        return "others than the server's user may reach into it";
    DIR *dir = opendir(directory);
    const std::unique_ptr<DIR, int (*)(DIR *)> closing(dir, [](DIR *d) { return d == nullptr ? 0 : closedir(d); });
    while (const dirent *entry = dir == nullptr ? nullptr : readdir(dir))
        if (std::string_view(entry->d_name).ends_with(".damaged"))
            return "it holds a damaged file (*.damaged), of which a part could not be read";
    return std::nullopt;
}

void define_audit_spool() {
    DefineCustomEnumVariable(
        "clinic.audit_durability", "Whom records of reads are handed to before rows leave.",
        "os: they survive the death of the server; disk: also that of the machine, at the price of "
        "a sync for each statement.",
        &durability, durable_os, durabilities, PGC_SUSET, 0, nullptr, nullptr, nullptr);
    DefineCustomEnumVariable("clinic.audit_standby", "What becomes of reads on a hot standby.",
                             "refuse: data of patients cannot be read; spool: records stay in the standby's own spool "
                             "until it is promoted.",
                             &standby, standby_refuse, standbys, PGC_SUSET, 0, nullptr, nullptr, nullptr);
}

} // namespace pg_clinic::pg
