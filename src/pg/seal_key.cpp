// The key that signs heads: see seal_key.hpp.
#include "pg/seal_key.hpp"

#include "pg/postgres.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace pg_clinic::pg {

namespace {

constinit char *key_file = nullptr;
constinit char *export_file = nullptr;

constexpr std::size_t longest_key_file = 8192;

class File {
  public:
    explicit File(int descriptor) : descriptor_(descriptor) {}
    ~File() {
        if (descriptor_ >= 0)
            (void)close(descriptor_);
    }
    File(const File &) = delete;
    File &operator=(const File &) = delete;
    int get() const noexcept { return descriptor_; }

  private:
    int descriptor_;
};

std::string system_text(int error) { return std::strerror(error); }

// The whole file, or what is wrong with it.
std::string read_private_file(const char *name, std::string &content) {
    // O_NONBLOCK: what is no file is told so, instead of being waited for.
    const File file(open(name, O_RDONLY | O_CLOEXEC | O_NONBLOCK));
    struct stat status {};
    if (file.get() < 0 || fstat(file.get(), &status) != 0)
        return "the file cannot be opened: " + system_text(errno);
    if (!S_ISREG(status.st_mode))
        return "it is no file";
    if (status.st_uid != geteuid() && status.st_uid != 0)
        return "the file belongs neither to the user of the server nor to root";
    if ((status.st_mode & (S_IRWXG | S_IRWXO)) != 0)
        return "the file is open to others than its owner; its mode must be 0600 or 0400";
    // As large as it can get from the start: growing would leave copies of the key behind.
    content.assign(longest_key_file, '\0');
    std::size_t size = 0;
    for (;;) {
        const ssize_t count = read(file.get(), content.data() + size, content.size() - size);
        if (count < 0 && errno == EINTR)
            continue;
        if (count < 0)
            return "the file cannot be read: " + system_text(errno);
        size += static_cast<std::size_t>(count);
        if (size == content.size())
            return "the file is too long";
        if (count == 0)
            break;
    }
    content.resize(size);
    return {};
}

} // namespace

SealKeyFile read_seal_key() {
    SealKeyFile out;
    out.configured = key_file != nullptr && *key_file != '\0';
    if (!out.configured)
        return out;
    std::string content;
    out.problem = read_private_file(key_file, content);
    if (out.problem.empty()) {
        out.key = crypto::SealKey::read_private(content);
        if (!out.key)
            out.problem = "the file holds no private key of Ed25519 in PEM";
    }
    crypto::cleanse(content);
    return out;
}

std::string seal_export_file() { return export_file == nullptr ? std::string() : std::string(export_file); }

std::string append_to_export(const std::string &name, const std::string &lines) {
    const File file(open(name.c_str(), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NONBLOCK, S_IRUSR | S_IWUSR));
    if (file.get() < 0)
        return "the file cannot be opened: " + system_text(errno);
    std::string_view rest = lines;
    while (!rest.empty()) {
        const ssize_t count = write(file.get(), rest.data(), rest.size());
        if (count < 0 && errno == EINTR)
            continue;
        if (count < 0)
            return "the file cannot be written: " + system_text(errno);
        rest.remove_prefix(static_cast<std::size_t>(count));
    }
    if (fsync(file.get()) != 0 && errno != EINVAL) // a pipe or device has nothing to make durable
        return "the file cannot be made durable: " + system_text(errno);
    return {};
}

void define_seal_settings() {
    DefineCustomStringVariable("clinic.seal_key_file",
                               "The file with the Ed25519 key, in PEM, that signs the heads of the audit.",
                               "Mode 0600 or 0400. Without it heads are not signed.", &key_file, "", PGC_SIGHUP,
                               GUC_SUPERUSER_ONLY, nullptr, nullptr, nullptr);
    DefineCustomStringVariable("clinic.seal_export_file", "The file to which the heads of the audit are appended.",
                               "One JSON object a line. Best on a disk that only takes additions.", &export_file, "",
                               PGC_SIGHUP, GUC_SUPERUSER_ONLY, nullptr, nullptr, nullptr);
}

} // namespace pg_clinic::pg
