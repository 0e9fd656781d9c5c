// The master keys: see master_keys.hpp.
#include "pg/master_keys.hpp"

#include "pg/boundary.hpp"
#include "pg/errors.hpp"
#include "pg/key_cache.hpp"
#include "pg/postgres.hpp"
#include "pg/secret_memory.hpp"

extern "C" {
#include "storage/fd.h"
#include "storage/ipc.h"
}

#include <fcntl.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

namespace pg_clinic::pg {

namespace {

constexpr std::size_t most_master_keys = 32;
constexpr std::size_t longest_id = 64;

constinit char *file_setting = nullptr;
constinit char *command_setting = nullptr;

struct Ring {
    std::vector<MasterKey> keys;
};
constinit Ring *ring = nullptr; // lives as long as the process; without keys until they are wanted
// A command that failed is not run again before the next statement.
constinit TimestampTz failed_in = 0;
constinit std::string *failure = nullptr;

[[noreturn]] void unavailable(const std::string &why) {
    raise(Code::key_unavailable, "the master key is not available: " + why);
}

// Wipes all keys of this process. Runs in hooks: raises nothing.
void forget_keys() noexcept {
    crypto::forget_aead_keys();
    key_cache::clear();
    if (ring != nullptr) {
        for (MasterKey &key : ring->keys)
            secret_memory::give_back(const_cast<unsigned char *>(key.key.bytes));
        ring->keys.clear();
    }
    secret_memory::wipe();
    failed_in = 0;
}

// Also called when nothing changed but the configuration was read again: the file behind it may have changed.
void assign_source(const char *, void *) { forget_keys(); }

void forget_at_exit(int, Datum) { forget_keys(); }

class Descriptor {
  public:
    explicit Descriptor(int fd) : fd_(fd) {}
    ~Descriptor() {
        if (fd_ >= 0)
            (void)close(fd_);
    }
    Descriptor(const Descriptor &) = delete;
    Descriptor &operator=(const Descriptor &) = delete;
    int get() const noexcept { return fd_; }

  private:
    int fd_;
};

// The scratch memory, wiped when this object dies.
class Scratch {
  public:
    Scratch() : bytes_(secret_memory::scratch()) {
        if (bytes_ == nullptr)
            unavailable("there is no memory for it");
    }
    ~Scratch() { secret_memory::wipe_scratch(); }
    Scratch(const Scratch &) = delete;
    Scratch &operator=(const Scratch &) = delete;

    // Reads on; false at the end.
    bool fill(int fd) {
        if (size_ == secret_memory::scratch_bytes)
            unavailable("it is longer than 8192 bytes");
        ssize_t count = 0;
        do
            count = read(fd, bytes_ + size_, secret_memory::scratch_bytes - size_);
        while (count < 0 && errno == EINTR);
        if (count < 0)
            unavailable("it cannot be read: " + system_text(errno));
        size_ += static_cast<std::size_t>(count);
        return count > 0;
    }

    std::string_view text() const { return {reinterpret_cast<const char *>(bytes_), size_}; }

    static std::string system_text(int error) { return std::strerror(error); }

  private:
    unsigned char *bytes_;
    std::size_t size_ = 0;
};

void read_file(Scratch &scratch) {
    const Descriptor file(open(file_setting, O_RDONLY | O_CLOEXEC | O_NONBLOCK));
    struct stat status {};
    if (file.get() < 0 || fstat(file.get(), &status) != 0)
        unavailable("the file of clinic.master_key_file cannot be opened: " + Scratch::system_text(errno));
    if (!S_ISREG(status.st_mode))
        unavailable("what clinic.master_key_file names is no file");
    if (status.st_uid != geteuid() && status.st_uid != 0)
        unavailable("the file of clinic.master_key_file belongs neither to the user of the server nor to root");
    if ((status.st_mode & (S_IRWXG | S_IRWXO)) != 0)
        unavailable(
            "the file of clinic.master_key_file is open to others than its owner; its mode must be 0600 or 0400");
    while (scratch.fill(file.get())) {
    }
}

// Waits until the command has written or is over, as long as nobody cancels.
void wait_for_output(int fd) {
    for (;;) {
        struct pollfd wanted = {fd, POLLIN, 0};
        if (poll(&wanted, 1, 100) != 0 && wanted.revents != 0)
            return;
        poll_interrupts();
    }
}

void read_command(Scratch &scratch) {
    if (failure != nullptr && failed_in != 0 && failed_in == GetCurrentStatementStartTimestamp())
        unavailable(*failure);
    try {
        std::FILE *pipe = pg_call([] { return OpenPipeStream(command_setting, "r"); });
        if (pipe == nullptr)
            unavailable("the command of clinic.master_key_command cannot be run: " + Scratch::system_text(errno));
        const int fd = fileno(pipe);
        do
            wait_for_output(fd);
        while (scratch.fill(fd));
        if (pg_call([pipe] { return ClosePipeStream(pipe); }) != 0)
            unavailable("the command of clinic.master_key_command failed; what it said is in the server's log");
    } catch (const SqlError &error) {
        if (failure == nullptr)
            failure = std::make_unique<std::string>().release();
        *failure = std::string(error.what()).substr(std::string_view("the master key is not available: ").size());
        failed_in = GetCurrentStatementStartTimestamp();
        throw;
    }
}

int digit_of(char c) {
    if (c >= '0' && c <= '9')
        return c - '0';
    const char lower = static_cast<char>(c | 0x20);
    return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

bool is_id(std::string_view text) {
    return !text.empty() && text.size() <= longest_id && std::all_of(text.begin(), text.end(), [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' || c == '_' ||
               c == '-';
    });
}

std::string_view trimmed(std::string_view text) {
    constexpr std::string_view space = " \t\r";
    const std::size_t first = text.find_first_not_of(space);
    return first == std::string_view::npos ? std::string_view()
                                           : text.substr(first, text.find_last_not_of(space) - first + 1);
}

// Reads the digits of a key into its place; false when they are none.
bool read_digits(std::string_view text, unsigned char *out) {
    if (text.size() != 2 * crypto::aead_key_bytes)
        return false;
    for (std::size_t i = 0; i < crypto::aead_key_bytes; ++i) {
        const int high = digit_of(text[2 * i]), low = digit_of(text[2 * i + 1]);
        if (high < 0 || low < 0)
            return false;
        out[i] = static_cast<unsigned char>(high << 4 | low);
    }
    return true;
}

void read_line(std::string_view line, int number) {
    const std::string where = "line " + std::to_string(number);
    const std::size_t gap = line.find_first_of(" \t");
    const std::string_view id = line.substr(0, gap);
    if (gap == std::string_view::npos || !is_id(id))
        unavailable(where + " is not an id (up to 64 letters, digits, dots, dashes, underscores) and a key");
    for (const MasterKey &known : ring->keys)
        if (known.id == id)
            unavailable(where + " has the id of an earlier line");
    if (ring->keys.size() == most_master_keys)
        unavailable("it has more than 32 keys");
    unsigned char *bytes = secret_memory::take();
    if (bytes == nullptr)
        unavailable("there is no memory for it");
    ring->keys.push_back({std::string(id), {bytes, key_cache::new_serial()}});
    if (!read_digits(trimmed(line.substr(gap)), bytes))
        unavailable("the key of " + where + " is not 64 hexadecimal digits");
}

void read_ring(std::string_view text) {
    for (int number = 1; !text.empty(); ++number) {
        const std::size_t end = text.find('\n');
        const std::string_view line = trimmed(text.substr(0, end));
        text = end == std::string_view::npos ? std::string_view() : text.substr(end + 1);
        if (!line.empty() && line.front() != '#')
            read_line(line, number);
    }
    if (ring->keys.empty())
        unavailable("there is no key in it");
}

bool is_set(const char *setting) { return setting != nullptr && *setting != '\0'; }

const Ring &loaded() {
    if (ring == nullptr) {
        ring = std::make_unique<Ring>().release();
        pg_call([] { on_proc_exit(forget_at_exit, 0); });
    }
    if (!ring->keys.empty())
        return *ring;
    if (is_set(file_setting) && is_set(command_setting))
        unavailable("both clinic.master_key_file and clinic.master_key_command are set");
    if (!is_set(file_setting) && !is_set(command_setting))
        unavailable("neither clinic.master_key_file nor clinic.master_key_command is set");
    try {
        Scratch scratch;
        if (is_set(file_setting))
            read_file(scratch);
        else
            read_command(scratch);
        read_ring(scratch.text());
    } catch (...) {
        for (MasterKey &key : ring->keys)
            secret_memory::give_back(const_cast<unsigned char *>(key.key.bytes));
        ring->keys.clear();
        throw;
    }
    return *ring;
}

const MasterKey *find(std::string_view id) {
    for (const MasterKey &key : loaded().keys)
        if (key.id == id)
            return &key;
    return nullptr;
}

} // namespace

bool is_master_key_configured() { return is_set(file_setting) || is_set(command_setting); }

const MasterKey &current_master_key() { return loaded().keys.front(); }

const MasterKey &master_key_named(std::string_view id) {
    const MasterKey *key = find(id);
    if (key == nullptr)
        raise(Code::key_unavailable, "the master key \"" + std::string(id) + "\" is not among those that were read", {},
              "Add it again below the current one, until clinic.encryption_status() shows nothing that it wraps.");
    return *key;
}

bool has_master_key(std::string_view id) { return find(id) != nullptr; }

void define_master_key_settings() {
    constexpr int flags = GUC_SUPERUSER_ONLY | GUC_NO_SHOW_ALL | GUC_NOT_IN_SAMPLE;
    DefineCustomStringVariable("clinic.master_key_file", "The file of the master keys of encrypted fields.",
                               "Lines of an id and 64 hexadecimal digits, the current one first. It belongs to the "
                               "server's user or root, and nobody else may read it.",
                               &file_setting, "", PGC_SIGHUP, flags, nullptr, assign_source, nullptr);
    DefineCustomStringVariable("clinic.master_key_command",
                               "A command that prints the master keys of encrypted fields.",
                               "Run once by each backend that needs them; it prints what the file would hold.",
                               &command_setting, "", PGC_SIGHUP, flags, nullptr, assign_source, nullptr);
}

} // namespace pg_clinic::pg
