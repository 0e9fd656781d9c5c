// Finding where rows of patients pass: see audit_reads_plan.hpp.
#include "pg/audit_reads_plan.hpp"

#include "pg/audit_reads_telling.hpp"
#include "pg/boundary.hpp"

extern "C" {
#include "executor/execdesc.h"
#include "nodes/execnodes.h"
#include "nodes/plannodes.h"
}

namespace pg_clinic::pg {

namespace {

// The columns of a marked table in the result of a node.
struct Columns {
    AttrNumber key = 0, patient = 0, tenant = 0;
    bool operator==(const Columns &) const = default;
};

// What a node emits of a scan below it (or of itself), and the highest node so far that can be tapped for it.
struct Flow {
    std::shared_ptr<const WatchedRelation> relation;
    Columns here;
    PlanState *at;
    Columns there;
    bool below_gather;
};
using Flows = std::vector<Flow>;

class Finder {
  public:
    Finder(const QueryDesc &query, bool tenant_needed)
        : query_(query), tenant_needed_(tenant_needed), telling_(is_telling(*query.plannedstmt)) {}

    Taps find() {
        settle(visit(query_.planstate));
        ListCell *cell = nullptr;
        foreach (cell, query_.estate->es_subplanstates)
            if (auto *root = static_cast<PlanState *>(lfirst(cell)))
                (void)subplan(root);
        in_subplan_ = true;
        for (const auto &known : subplans_)
            if (!known->scanned)
                settle(known->flows);
        return std::move(found_);
    }

  private:
    bool enough(const WatchedRelation &relation, const Columns &columns) const {
        return columns.key != 0 && (relation.patient == 0 || columns.patient != 0) &&
               (relation.tenant == 0 || columns.tenant != 0 || !tenant_needed_);
    }

    // Ends a flow: its rows are looked at where they were last seen.
    void settle(const Flow &flow, bool unread = false) {
        add({flow.at, flow.relation, Tap::Source::output, flow.there.key, flow.there.patient, flow.there.tenant,
             unread},
            flow.below_gather);
    }
    void settle(const Flows &flows) {
        for (const Flow &flow : flows)
            settle(flow);
    }
    void add(Tap tap, bool below_gather) {
        if ((below_gather || in_subplan_) && query_.plannedstmt->parallelModeNeeded)
            found_.in_workers = true;
        for (const Tap &known : found_.taps)
            if (known.node == tap.node && known.relation == tap.relation && known.source == tap.source &&
                known.key == tap.key)
                return;
        found_.taps.push_back(std::move(tap));
    }

    // An aggregate that looks at no column: count(*).
    static bool only_counts(const PlanState *node) {
        if (!IsA(node, AggState) || reinterpret_cast<const Agg *>(node->plan)->numCols != 0)
            return false;
        return !contain_var_clause(reinterpret_cast<Node *>(node->plan->targetlist)) &&
               !contain_var_clause(reinterpret_cast<Node *>(node->plan->qual));
    }

    // Carries flows through a node whose result columns are variables of `varno`; what it drops is settled.
    void pass(PlanState *node, Flows &from, int varno, Flows &out, bool can_be_tapped) {
        for (Flow &flow : from) {
            Columns here;
            ListCell *cell = nullptr;
            foreach (cell, node->plan->targetlist) {
                const auto &entry = *static_cast<const TargetEntry *>(lfirst(cell));
                if (!IsA(entry.expr, Var))
                    continue;
                const auto &variable = *reinterpret_cast<const Var *>(entry.expr);
                if (variable.varno != varno || variable.varattno <= 0)
                    continue;
                if (variable.varattno == flow.here.key)
                    here.key = entry.resno;
                if (variable.varattno == flow.here.patient)
                    here.patient = entry.resno;
                if (variable.varattno == flow.here.tenant)
                    here.tenant = entry.resno;
            }
            if (!enough(*flow.relation, here)) {
                settle(flow, only_counts(node));
                continue;
            }
            flow.here = here;
            if (can_be_tapped) {
                flow.at = node;
                flow.there = here;
                flow.below_gather = gathers_ > 0;
            }
            out.push_back(std::move(flow));
        }
        from.clear();
    }

    // Rows that come from several children in turn: told apart no more, unless all are of one table and lie alike.
    void merge(PlanState *node, PlanState **children, int count, Flows &out) {
        std::vector<Flows> each;
        for (int i = 0; i < count; ++i)
            each.push_back(visit(children[i]));
        Flows together;
        if (!each.empty())
            for (const Flow &flow : each.front())
                if (std::all_of(each.begin(), each.end(),
                                [&](const Flows &flows) { return like(flows, flow) != flows.end(); }))
                    together.push_back(flow);
        for (Flows &flows : each)
            for (const Flow &flow : flows)
                if (like(together, flow) == together.end())
                    settle(flow);
        pass(node, together, OUTER_VAR, out, true);
    }
    static Flows::const_iterator like(const Flows &flows, const Flow &wanted) {
        return std::find_if(flows.begin(), flows.end(), [&](const Flow &flow) {
            return flow.relation->root == wanted.relation->root && flow.here == wanted.here;
        });
    }

    // What the scan's own tuple has of the columns; of an index-only scan it is the index's.
    static Columns tuple_columns(const PlanState *node, const WatchedRelation &relation) {
        if (!IsA(node, IndexOnlyScanState))
            return {relation.key, relation.patient, relation.tenant};
        Columns columns;
        ListCell *cell = nullptr;
        foreach (cell, reinterpret_cast<const IndexOnlyScan *>(node->plan)->indextlist) {
            const auto &entry = *static_cast<const TargetEntry *>(lfirst(cell));
            if (entry.resjunk || !IsA(entry.expr, Var))
                continue;
            const AttrNumber number = reinterpret_cast<const Var *>(entry.expr)->varattno;
            if (number <= 0)
                continue;
            if (number == relation.key)
                columns.key = entry.resno;
            if (number == relation.patient)
                columns.patient = entry.resno;
            if (number == relation.tenant)
                columns.tenant = entry.resno;
        }
        return columns;
    }

    void scan(PlanState *node, bool has_tuple, Flows &out) {
        const Relation table = reinterpret_cast<ScanState *>(node)->ss_currentRelation;
        if (table == nullptr)
            return;
        std::shared_ptr<const WatchedRelation> relation = watched_relation(RelationGetRelid(table));
        if (relation == nullptr)
            return;
        const Columns tuple =
            has_tuple ? tuple_columns(node, *relation) : Columns{relation->key, relation->patient, relation->tenant};
        if (has_tuple)
            found_.scans.push_back({node, relation, tuple.key, tuple.patient, tuple.tenant});
        const int varno = IsA(node, IndexOnlyScanState)
                              ? INDEX_VAR
                              : static_cast<int>(reinterpret_cast<const Scan *>(node->plan)->scanrelid);
        Columns here;
        bool reads_columns = false;
        ListCell *cell = nullptr;
        foreach (cell, node->plan->targetlist) {
            const auto &entry = *static_cast<const TargetEntry *>(lfirst(cell));
            reads_columns = reads_columns || !IsA(entry.expr, Const);
            if (!IsA(entry.expr, Var))
                continue;
            const auto &variable = *reinterpret_cast<const Var *>(entry.expr);
            if (variable.varno != varno || variable.varattno <= 0)
                continue;
            if (variable.varattno == tuple.key)
                here.key = entry.resno;
            if (variable.varattno == tuple.patient)
                here.patient = entry.resno;
            if (variable.varattno == tuple.tenant)
                here.tenant = entry.resno;
        }
        if (telling_) {
            Tap tap{node,
                    relation,
                    Tap::Source::none,
                    0,
                    0,
                    0,
                    false,
                    node->plan->qual != NIL && can_tell(node->plan->qual)};
            if (enough(*relation, here))
                tap = {node, relation, Tap::Source::output, here.key, here.patient, here.tenant, false, tap.drops_tell};
            else if (has_tuple && tuple.key != 0)
                tap = {node,         relation, Tap::Source::tuple, tuple.key, tuple.patient,
                       tuple.tenant, false,    tap.drops_tell};
            add(std::move(tap), gathers_ > 0);
        } else if (enough(*relation, here))
            out.push_back({relation, here, node, here, gathers_ > 0});
        else if (has_tuple && tuple.key != 0)
            add({node, relation, Tap::Source::tuple, tuple.key, tuple.patient, tuple.tenant, !reads_columns},
                gathers_ > 0);
        else
            add({node, relation, Tap::Source::none, 0, 0, 0, !reads_columns}, gathers_ > 0);
    }

    // A subplan's result is computed once, whoever reads it.
    struct Subplan {
        PlanState *root;
        Flows flows;
        bool scanned; // as a CTE: the scans carry its flows on
    };
    Subplan &subplan(PlanState *root) {
        for (const auto &known : subplans_)
            if (known->root == root)
                return *known;
        const bool inside = std::exchange(in_subplan_, true);
        const int gathers = std::exchange(gathers_, 0);
        auto made = std::make_unique<Subplan>(Subplan{root, visit(root), false});
        in_subplan_ = inside;
        gathers_ = gathers;
        return *subplans_.emplace_back(std::move(made));
    }

    Flows visit(PlanState *node) {
        Flows out;
        if (node == nullptr)
            return out;
        pg_call([] { check_stack_depth(); });
        switch (nodeTag(node)) {
        case T_SeqScanState:
        case T_SampleScanState:
        case T_IndexScanState:
        case T_IndexOnlyScanState:
        case T_BitmapHeapScanState:
        case T_TidScanState:
        case T_TidRangeScanState:
            scan(node, true, out);
            break;
        case T_ForeignScanState:
            scan(node, false, out);
            break;
        case T_CustomScanState: {
            scan(node, false, out);
            ListCell *cell = nullptr;
            foreach (cell, reinterpret_cast<CustomScanState *>(node)->custom_ps)
                settle(visit(static_cast<PlanState *>(lfirst(cell))));
            break;
        }
        case T_AppendState: {
            auto *append = reinterpret_cast<AppendState *>(node);
            merge(node, append->appendplans, append->as_nplans, out);
            break;
        }
        case T_MergeAppendState: {
            auto *append = reinterpret_cast<MergeAppendState *>(node);
            merge(node, append->mergeplans, append->ms_nplans, out);
            break;
        }
        case T_SubqueryScanState: {
            Flows below = visit(reinterpret_cast<SubqueryScanState *>(node)->subplan);
            pass(node, below, scan_number(node), out, true);
            break;
        }
        case T_CteScanState: {
            // Each scan takes its rows further up, or has them told where they are computed.
            Subplan &cte = subplan(reinterpret_cast<CteScanState *>(node)->cteplanstate);
            cte.scanned = true;
            Flows below = cte.flows;
            pass(node, below, scan_number(node), out, true);
            break;
        }
        case T_GatherState:
        case T_GatherMergeState: {
            ++gathers_;
            Flows below = visit(outerPlanState(node));
            --gathers_;
            pass(node, below, OUTER_VAR, out, true);
            break;
        }
        // What comes out of these is made of more rows than the one whose key it has, or of rows of several children.
        case T_WindowAggState:
        case T_RecursiveUnionState:
        case T_ModifyTableState:
            settle(visit(outerPlanState(node)));
            settle(visit(innerPlanState(node)));
            break;
        case T_BitmapAndState:
        case T_BitmapOrState:
        case T_BitmapIndexScanState:
            break;
        default: {
            Flows outer = visit(outerPlanState(node)), inner = visit(innerPlanState(node));
            const bool mixes = IsA(node, AggState) && has_grouping_sets(node);
            if (mixes) {
                settle(outer);
                break;
            }
            pass(node, outer, OUTER_VAR, out, !IsA(node, HashState));
            pass(node, inner, INNER_VAR, out, !IsA(node, HashState));
        }
        }
        return out;
    }

    static int scan_number(const PlanState *node) {
        return static_cast<int>(reinterpret_cast<const Scan *>(node->plan)->scanrelid);
    }
    static bool has_grouping_sets(const PlanState *node) {
        const auto *plan = reinterpret_cast<const Agg *>(node->plan);
        return plan->groupingSets != nullptr || plan->chain != nullptr;
    }

    const QueryDesc &query_;
    bool tenant_needed_;
    bool telling_;
    Taps found_;
    int gathers_ = 0;
    bool in_subplan_ = false;
    std::vector<std::unique_ptr<Subplan>> subplans_;
};

} // namespace

Taps find_taps(const QueryDesc &query, bool tenant_needed) { return Finder(query, tenant_needed).find(); }

} // namespace pg_clinic::pg
