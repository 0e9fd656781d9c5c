// Acting with the rights of another role for the length of a scope, as maintenance of a table does: whatever fires meanwhile cannot
// take more than that role has, cannot put work off until it has more, and leaves no setting behind.
#pragma once

#include "pg/boundary.hpp"

namespace pg_clinic::pg {

class AsRole {
  public:
    explicit AsRole(Oid role) {
        pg_call([this, role] {
            GetUserIdAndSecContext(&user_, &context_);
            settings_ = NewGUCNestLevel();
            SetUserIdAndSecContext(role, context_ | SECURITY_LOCAL_USERID_CHANGE | SECURITY_RESTRICTED_OPERATION);
        });
    }
    // After an error the (sub)transaction's abort puts settings and role back.
    ~AsRole() {
        if (std::uncaught_exceptions() != exceptions_)
            return;
        AtEOXact_GUC(false, settings_);
        SetUserIdAndSecContext(user_, context_);
    }
    AsRole(const AsRole &) = delete;
    AsRole &operator=(const AsRole &) = delete;

  private:
    Oid user_ = InvalidOid;
    int context_ = 0;
    int settings_ = 0;
    int exceptions_ = std::uncaught_exceptions();
};

} // namespace pg_clinic::pg
