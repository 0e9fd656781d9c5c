-- What the policy on no-shows makes due: prepayments and fees, as states and amounts.

CREATE FUNCTION clinic_private.charge_for(tenant_id uuid, appointment_id uuid, service_id uuid, patient_id uuid, policy text)
    RETURNS void
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
    SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict error
DECLARE
    terms record;
BEGIN
    SELECT n.no_show_limit, n.no_show_window_months, n.charge_currency,
           CASE charge_for.policy WHEN 'fee' THEN coalesce(s.no_show_fee_amount, n.no_show_fee_amount)
                                  ELSE coalesce(s.prepayment_amount, n.prepayment_amount) END AS amount
    INTO terms
    FROM clinic_data.tenants AS n
    JOIN clinic_data.services AS s ON s.tenant_id = n.tenant_id AND s.service_id = charge_for.service_id
    WHERE n.tenant_id = charge_for.tenant_id AND n.no_show_policy = charge_for.policy;
    IF FOUND AND terms.amount > 0 AND
       clinic_private.count_no_shows(charge_for.tenant_id, charge_for.patient_id, terms.no_show_window_months) > terms.no_show_limit THEN
        INSERT INTO clinic_data.appointment_charges (tenant_id, charge_id, appointment_id, kind, amount, currency)
        VALUES (charge_for.tenant_id, clinic.new_id(), charge_for.appointment_id,
                CASE charge_for.policy WHEN 'fee' THEN 'no_show_fee' ELSE 'prepayment' END, terms.amount, terms.charge_currency)
        ON CONFLICT DO NOTHING;
    END IF;
END
$$;
COMMENT ON FUNCTION clinic_private.charge_for(uuid, uuid, uuid, uuid, text) IS
    'Makes due what the policy of the tenant says, prepayment or fee, where it is that policy and the patient has more no-shows than the limit.';
REVOKE ALL ON FUNCTION clinic_private.charge_for FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic_private.charge_for TO clinic_owner;

-- Trigger: charges come and go with the state of their appointment, by whichever way it changes.
CREATE FUNCTION clinic_private.charge_by_policy()
    RETURNS trigger
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY INVOKER SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF NEW.status = 'cancelled' OR OLD.status = 'no_show' THEN
        UPDATE clinic_data.appointment_charges AS c
           SET state = 'cancelled', settled_at = clinic.now(),
               state_reason = CASE c.kind WHEN 'prepayment' THEN 'appointment cancelled' ELSE 'no-show reversed' END
         WHERE c.tenant_id = NEW.tenant_id AND c.appointment_id = NEW.appointment_id AND c.state = 'due'
           AND c.kind = CASE WHEN NEW.status = 'cancelled' THEN 'prepayment' ELSE 'no_show_fee' END;
    END IF;
    IF NEW.status = 'no_show' THEN
        PERFORM clinic_private.charge_for(NEW.tenant_id, NEW.appointment_id, NEW.service_id, NEW.patient_id, 'fee');
    -- A hold is no booking yet.
    ELSIF NEW.status IN ('pending', 'booked', 'confirmed') AND OLD.status IN ('held', 'cancelled') THEN
        PERFORM clinic_private.charge_for(NEW.tenant_id, NEW.appointment_id, NEW.service_id, NEW.patient_id, 'prepayment');
    END IF;
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION clinic_private.charge_by_policy() IS
    'Trigger: under the policy prepayment a booking of a patient with more no-shows than the limit has its amount due, until it is cancelled; under the policy fee a no-show above the
limit, until it is reversed. New bookings: clinic_private.charge_new_booking().';
REVOKE ALL ON FUNCTION clinic_private.charge_by_policy() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic_private.charge_by_policy() TO clinic_owner;

CREATE FUNCTION clinic_private.end_charge(call text, charge_id uuid, state text, reason text, version integer, idempotency_key text)
    RETURNS jsonb
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
    SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict error
DECLARE
    tenant uuid := clinic_private.require_tenant();
    stored jsonb;
    c record;
BEGIN
    PERFORM clinic_private.require_arguments(jsonb_build_object('charge_id', end_charge.charge_id));
    stored := clinic_private.begin_once(end_charge.call, end_charge.idempotency_key, jsonb_build_object(
        'charge_id', end_charge.charge_id, 'reason', end_charge.reason, 'version', end_charge.version));
    IF stored IS NOT NULL THEN
        RETURN stored || '{"replayed": true}';
    END IF;
    SELECT k.state, k.version, a.provider_id, a.location_id INTO c
    FROM clinic_data.appointment_charges AS k
    JOIN clinic_data.appointments AS a ON a.tenant_id = k.tenant_id AND a.appointment_id = k.appointment_id
    WHERE k.tenant_id = tenant AND k.charge_id = end_charge.charge_id
    FOR UPDATE OF k;
    IF c.state IS NULL THEN
        PERFORM clinic_private.raise_error('not_found', 'the charge does not exist',
            jsonb_build_object('charge_id', end_charge.charge_id), NULL);
    END IF;
    PERFORM clinic_private.require_desk_permission('billing:write', c.provider_id, c.location_id);
    IF c.version <> end_charge.version THEN
        PERFORM clinic_private.raise_error('stale_version', 'the row was changed by somebody else',
            jsonb_build_object('charge_id', end_charge.charge_id, 'version', c.version), NULL);
    END IF;
    IF c.state <> 'due' THEN
        PERFORM clinic_private.raise_error('bad_transition', 'the charge is not due',
            jsonb_build_object('charge_id', end_charge.charge_id, 'state', c.state), NULL);
    END IF;
    UPDATE clinic_data.appointment_charges AS k
    SET state = end_charge.state, state_reason = end_charge.reason, settled_at = clinic.now()
    WHERE k.tenant_id = tenant AND k.charge_id = end_charge.charge_id
    RETURNING jsonb_build_object('charge_id', k.charge_id, 'appointment_id', k.appointment_id, 'kind', k.kind, 'amount', k.amount,
                                 'currency', k.currency, 'state', k.state, 'version', k.version) INTO stored;
    PERFORM clinic_private.end_once(end_charge.call, end_charge.idempotency_key, stored);
    RETURN stored || '{"replayed": false}';
END
$$;
COMMENT ON FUNCTION clinic_private.end_charge(text, uuid, text, text, integer, text) IS
    'Makes a charge that is due paid or waived, for clinic.settle_charge and clinic.waive_charge.';
REVOKE ALL ON FUNCTION clinic_private.end_charge FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic_private.end_charge TO clinic_owner;

CREATE FUNCTION clinic.settle_charge(
    charge_id uuid,
    reason text DEFAULT NULL,
    version integer DEFAULT NULL,
    idempotency_key text DEFAULT NULL)
    RETURNS TABLE (charge_id uuid, appointment_id uuid, kind text, amount numeric, currency text, state text, version integer, replayed boolean)
    LANGUAGE sql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
    ROWS 1
    SET search_path = pg_catalog, pg_temp SET row_security = on
AS $$
    SELECT r.charge_id, r.appointment_id, r.kind, r.amount, r.currency, r.state, r.version, r.replayed
    FROM clinic_private.end_charge('settle_charge', $1, 'paid', $2, $3, $4) AS c (result)
    CROSS JOIN LATERAL jsonb_to_record(c.result) AS r (charge_id uuid, appointment_id uuid, kind text, amount numeric, currency text,
                                                       state text, version integer, replayed boolean)
$$;
ALTER FUNCTION clinic.settle_charge OWNER TO clinic_owner;
REVOKE ALL ON FUNCTION clinic.settle_charge FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic.settle_charge TO clinic_user;
COMMENT ON FUNCTION clinic.settle_charge IS
    'Notes that a charge which is due has been paid. Needs billing:write there. reason: how, such as cash or a receipt''s number.
Errors: not_found, bad_transition, stale_version, forbidden, no_context, idempotency_conflict, 22004.';

CREATE FUNCTION clinic.waive_charge(
    charge_id uuid,
    reason text,
    version integer DEFAULT NULL,
    idempotency_key text DEFAULT NULL)
    RETURNS TABLE (charge_id uuid, appointment_id uuid, kind text, amount numeric, currency text, state text, version integer, replayed boolean)
    LANGUAGE sql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
    ROWS 1
    SET search_path = pg_catalog, pg_temp SET row_security = on
AS $$
    SELECT clinic_private.require_arguments(jsonb_build_object('reason', nullif(btrim($2), '')));
    SELECT r.charge_id, r.appointment_id, r.kind, r.amount, r.currency, r.state, r.version, r.replayed
    FROM clinic_private.end_charge('waive_charge', $1, 'waived', $2, $3, $4) AS c (result)
    CROSS JOIN LATERAL jsonb_to_record(c.result) AS r (charge_id uuid, appointment_id uuid, kind text, amount numeric, currency text,
                                                       state text, version integer, replayed boolean)
$$;
ALTER FUNCTION clinic.waive_charge OWNER TO clinic_owner;
REVOKE ALL ON FUNCTION clinic.waive_charge FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic.waive_charge TO clinic_user;
COMMENT ON FUNCTION clinic.waive_charge IS
    'Waives a charge which is due, for a reason. Needs billing:write there.
Errors: not_found, bad_transition, stale_version, forbidden, no_context, idempotency_conflict, 22004.';
