// What has passed of one marked table and tenant, until it is in the spool.
#pragma once

#include "pg/audit_reads_relations.hpp"
#include "pg/audit_spool.hpp"

namespace pg_clinic::pg {

constexpr std::size_t piece = 256; // ids in one record

inline std::vector<Uuid> each_once(std::vector<Uuid> ids) {
    std::sort(ids.begin(), ids.end());
    ids.erase(std::unique(ids.begin(), ids.end()), ids.end());
    return ids;
}

// The ids of one marked table and tenant that passed and are not in the spool yet.
class Batch {
  public:
    Batch(std::shared_ptr<const WatchedRelation> relation, const Uuid &tenant)
        : relation_(std::move(relation)), tenant_(tenant) {}

    const WatchedRelation &relation() const { return *relation_; }
    const std::shared_ptr<const WatchedRelation> &shared_relation() const { return relation_; }
    const Uuid &tenant() const { return tenant_; }
    bool full() const { return count_ == piece; }
    bool empty() const { return count_ == 0 && counted_ == 0; }

    void add(const Uuid &row, const Uuid &patient) noexcept {
        // A row that a join repeats is told once, as long as it is remembered.
        const std::size_t place = (std::hash<Uuid>()(row) >> 48) % recent_.size();
        if (recent_[place] == row)
            return;
        recent_[place] = row;
        rows_[count_] = row;
        patients_[count_] = patient;
        ++count_;
    }
    void count(std::int64_t rows = 1) noexcept { counted_ += rows; }

    // Appends what there is as records, and forgets it.
    void take(std::vector<SpoolRecord> &out, const AuditOrigin &origin, const char *action, std::int64_t statement) {
        SpoolRecord record;
        record.origin = origin;
        record.audit_class = "access";
        record.action = action;
        record.table_name = relation_->name;
        record.statement_id = statement != 0 ? std::optional(statement) : std::nullopt;
        if (count_ > 0) {
            SpoolRecord told = record;
            if (tenant_)
                told.origin.tenant_id = tenant_;
            told.row_ids.assign(rows_.begin(), rows_.begin() + static_cast<std::ptrdiff_t>(count_));
            told.row_count = static_cast<std::int64_t>(count_);
            for (std::size_t i = 0; i < count_; ++i)
                if (patients_[i])
                    told.patient_ids.push_back(patients_[i]);
            told.patient_ids = each_once(std::move(told.patient_ids));
            out.push_back(std::move(told));
        }
        if (counted_ > 0) {
            record.row_count = counted_;
            out.push_back(std::move(record));
        }
        count_ = 0;
        counted_ = 0;
    }

  private:
    std::shared_ptr<const WatchedRelation> relation_;
    std::array<Uuid, piece> rows_{}, patients_{};
    std::array<Uuid, 512> recent_{};
    Uuid tenant_;
    std::size_t count_ = 0;
    std::int64_t counted_ = 0;
};

} // namespace pg_clinic::pg
