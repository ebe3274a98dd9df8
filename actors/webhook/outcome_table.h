/* outcome_table.h - every way in which a delivery can end: the one place.
 *
 * X(NAME, "name", share)
 *   TAKEN      it is in the journal
 *   NOISE      refused; anybody on the internet can cause it
 *   SIGNATURE  refused; whoever caused it knows the scheme: a wrong secret, a wrong clock, a replay,
 *              or a genuine body that is no event
 *   OWN        refused with 5xx: the trouble is ours
 * SIGNATURE and OWN are what the alert "webhook failures" counts. */
X(OUTCOME_RECEIVED, "received", TAKEN)
X(OUTCOME_IGNORED, "ignored", TAKEN)
X(OUTCOME_DUPLICATE, "duplicate", TAKEN)
X(OUTCOME_FORGED, "forged", SIGNATURE)
X(OUTCOME_STALE, "stale", SIGNATURE)
X(OUTCOME_UNSIGNED, "unsigned", NOISE)
X(OUTCOME_DOUBLED, "doubled", NOISE)
X(OUTCOME_MALFORMED, "malformed", NOISE)
X(OUTCOME_NOT_JSON, "not_json", SIGNATURE)
X(OUTCOME_NOT_EVENT, "not_event", SIGNATURE)
X(OUTCOME_THROTTLED, "throttled", NOISE)
X(OUTCOME_NOT_FOUND, "not_found", NOISE)
X(OUTCOME_PATH, "path", NOISE)
X(OUTCOME_METHOD, "method", NOISE)
X(OUTCOME_MEDIA_TYPE, "media_type", NOISE)
X(OUTCOME_TOO_LARGE, "too_large", NOISE)
X(OUTCOME_AMBIGUOUS, "ambiguous", NOISE)
X(OUTCOME_SLOW_HEAD, "slow_head", NOISE)
X(OUTCOME_SLOW_BODY, "slow_body", NOISE)
X(OUTCOME_SLOW_READER, "slow_reader", NOISE)
X(OUTCOME_ADDRESS_LIMIT, "address_limit", NOISE)
X(OUTCOME_NO_ROOM, "no_room", OWN)
X(OUTCOME_FULL, "full", OWN)
X(OUTCOME_DOWN, "down", OWN)
X(OUTCOME_LATE, "late", OWN)
X(OUTCOME_UNCHECKED, "unchecked", OWN)
X(OUTCOME_FAILED, "failed", OWN)
