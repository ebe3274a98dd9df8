/* route_table.h - every path of the console: the one place. Who may, the API's description, the
 * documents and the tests' matrix of roles follow from it.
 *
 * X(METHOD, path, who, SCOPE, privacy, handler, answer, summary)
 *   who      ANYONE: also who is not signed in. Else the right that a person's role must have
 *            (roles_table.h); what is not ANYONE is refused without one: deny by default
 *   SCOPE    what an API key needs, NO_KEY: not with a key. Only GET can have one
 *   privacy  MASKED: names and addresses are masked for who has no right to see them. WHOLE: there
 *            are none, or whoever may come here may see them
 *   answer   "": HTML, text or a stream; else the name of its schema (schemas.json)
 * An act (POST, DELETE of the API) needs the session's CSRF token, a JSON body and the same origin;
 * the gate sees to it for every row whose path begins with /api/. */

/* --- pages ------------------------------------------------------------------------------------ */
X(GET, "/login", ANYONE, NO_KEY, WHOLE, pages_login, "", "The form to sign in.")
X(POST, "/login", ANYONE, NO_KEY, WHOLE, pages_sign_in, "", "Signs in with name, password and code.")
X(GET, "/welcome", ANYONE, NO_KEY, WHOLE, pages_welcome, "", "What a one-time link opens.")
X(POST, "/welcome", ANYONE, NO_KEY, WHOLE, pages_redeem, "", "Sets a password by a one-time link.")
X(POST, "/logout", READ, NO_KEY, WHOLE, pages_sign_out, "", "Ends the session.")
X(GET, "/login.css", ANYONE, NO_KEY, WHOLE, pages_login_style, "", "The look of the forms.")
X(GET, "/", READ, NO_KEY, WHOLE, pages_shell, "", "Home.")
X(GET, "/start", READ, NO_KEY, WHOLE, pages_shell, "", "The first steps.")
X(GET, "/problems", READ, NO_KEY, WHOLE, pages_shell, "", "What fails, by cause.")
X(GET, "/problems/{id}", READ, NO_KEY, WHOLE, pages_shell, "", "One cause.")
X(GET, "/jobs", READ, NO_KEY, WHOLE, pages_shell, "", "Jobs.")
X(GET, "/jobs/{actor}/{key}", READ, NO_KEY, WHOLE, pages_shell, "", "One job.")
X(GET, "/members", READ, NO_KEY, WHOLE, pages_shell, "", "Members.")
X(GET, "/members/{id}", READ, NO_KEY, WHOLE, pages_shell, "", "One member.")
X(GET, "/events", READ, NO_KEY, WHOLE, pages_shell, "", "Events.")
X(GET, "/events/{id}", READ, NO_KEY, WHOLE, pages_shell, "", "One event.")
X(GET, "/fleet", READ, NO_KEY, WHOLE, pages_shell, "", "The processes.")
X(GET, "/rules", READ, NO_KEY, WHOLE, pages_shell, "", "The rules.")
X(GET, "/alerts", READ, NO_KEY, WHOLE, pages_shell, "", "What is watched.")
X(GET, "/audit", READ, NO_KEY, WHOLE, pages_shell, "", "Who did what.")
X(GET, "/settings", READ, NO_KEY, WHOLE, pages_shell, "", "People, sessions, keys, secrets.")
X(GET, "/assets/{name}", READ, NO_KEY, WHOLE, pages_asset, "", "Scripts and styles of the pages.")

/* --- for machines ----------------------------------------------------------------------------- */
X(GET, "/healthz", ANYONE, NO_KEY, WHOLE, machine_health, "", "200 while the console answers.")
X(GET, "/metrics", READ, METRICS, WHOLE, machine_metrics, "", "The whole fleet, as Prometheus reads it.")
X(GET, "/api/v1/openapi.json", READ, ANY_KEY, WHOLE, machine_openapi, "", "This description.")

/* --- reading ---------------------------------------------------------------------------------- */
X(GET, "/api/v1/me", READ, NO_KEY, WHOLE, me_show, "Me", "Who is signed in, and what for.")
X(GET, "/api/v1/home", READ, NO_KEY, MASKED, home_show, "Home", "Is everything fine?")
X(GET, "/api/v1/setup", READ, NO_KEY, WHOLE, home_setup, "Setup", "The first steps and which are done.")
X(GET, "/api/v1/problems", READ, JOBS, MASKED, problems_list, "Problems", "What fails, by cause.")
X(GET, "/api/v1/problems/{id}", READ, JOBS, MASKED, problems_show, "ProblemWhole", "One cause and its first jobs.")
X(GET, "/api/v1/jobs", READ, JOBS, MASKED, jobs_list, "Jobs", "Jobs of the actors, page by page.")
X(GET, "/api/v1/jobs/{actor}/{key}", READ, JOBS, MASKED, jobs_show, "JobWhole", "One job with its attempts.")
X(GET, "/api/v1/members", READ, MEMBERS, MASKED, members_list, "Members", "Members, newest change first, or found.")
X(GET, "/api/v1/members/{id}", READ, MEMBERS, MASKED, members_show, "MemberWhole", "A member by any of its names.")
X(GET, "/api/v1/members/{id}/timeline", READ, MEMBERS, MASKED, members_timeline, "Timeline", "What happened to a member.")
X(GET, "/api/v1/events", READ, EVENTS, MASKED, events_list, "Events", "Events, newest first.")
X(GET, "/api/v1/events/{id}", READ, EVENTS, MASKED, events_show, "EventWhole", "An event, its tree and a plan.")
X(GET, "/api/v1/fleet", READ, NO_KEY, WHOLE, fleet_show, "Fleet", "The processes and their targets.")
X(GET, "/api/v1/rules", READ, NO_KEY, WHOLE, rules_show, "Rules", "The rules as they hold here.")
X(GET, "/api/v1/rules/try", READ, NO_KEY, MASKED, rules_try, "RulesTry", "What the rules made of a past event.")
X(GET, "/api/v1/alerts", READ, NO_KEY, MASKED, alerts_show, "Alerts", "What stands, what is watched, who is told.")
X(GET, "/api/v1/audit", READ, NO_KEY, MASKED, audit_list, "Audit", "Who did what, and why.")
X(GET, "/api/v1/settings", READ, NO_KEY, WHOLE, settings_show, "Settings", "People, sessions, keys, secrets, hooks.")
X(GET, "/api/v1/live", READ, NO_KEY, MASKED, live_open, "", "Events as they happen, as server-sent events.")
X(GET, "/api/v1/access/keys", READ, ACCESS, WHOLE, access_keys, "Jwks", "The public keys of access tokens.")
X(GET, "/api/v1/access/{who}", PERSONAL, ACCESS, WHOLE, access_show, "AccessToken", "Who has access, with a token.")

/* --- acts ------------------------------------------------------------------------------------- */
X(POST, "/api/v1/problems/{id}/retry", OPERATE, NO_KEY, WHOLE, problems_retry, "Done", "Tries all jobs of a cause again.")
X(POST, "/api/v1/problems/{id}/skip", OPERATE, NO_KEY, WHOLE, problems_skip, "Done", "Skips all jobs of a cause.")
X(POST, "/api/v1/jobs/{actor}/{key}/retry", OPERATE, NO_KEY, WHOLE, jobs_retry, "Done", "Tries a job again.")
X(POST, "/api/v1/jobs/{actor}/{key}/skip", OPERATE, NO_KEY, WHOLE, jobs_skip_one, "Done", "Skips a job.")
X(POST, "/api/v1/jobs/{actor}/{key}/retry-like", OPERATE, NO_KEY, WHOLE, jobs_retry_like, "Done", "Tries all jobs of the same cause again.")
X(POST, "/api/v1/members/{id}/note", NOTE, NO_KEY, WHOLE, members_note, "Act", "Writes a note.")
X(POST, "/api/v1/members/{id}/grant", ACCESS, NO_KEY, WHOLE, members_grant, "Act", "Grants access for some days.")
X(POST, "/api/v1/members/{id}/revoke", ACCESS, NO_KEY, WHOLE, members_revoke, "Act", "Takes access away.")
X(POST, "/api/v1/members/{id}/unrevoke", ACCESS, NO_KEY, WHOLE, members_unrevoke, "Act", "Takes a revocation back.")
X(POST, "/api/v1/members/{id}/resync", OPERATE, NO_KEY, WHOLE, members_resync, "Act", "Sends the newest to the CRM again.")
X(POST, "/api/v1/members/{id}/resend", OPERATE, NO_KEY, WHOLE, members_resend, "Act", "Sends a mail once more.")
X(POST, "/api/v1/targets/{actor}/{slot}/pause", OPERATE, NO_KEY, WHOLE, fleet_pause, "Act", "Pauses a target.")
X(POST, "/api/v1/targets/{actor}/{slot}/resume", OPERATE, NO_KEY, WHOLE, fleet_resume, "Act", "Lets a target go on.")
X(POST, "/api/v1/alerts/silence", OPERATE, NO_KEY, WHOLE, alerts_silence, "Act", "Silences an alert for some hours.")
X(POST, "/api/v1/alerts/unsilence", OPERATE, NO_KEY, WHOLE, alerts_unsilence, "Act", "Lets an alert speak again.")
X(POST, "/api/v1/secrets/rotate", SETTINGS, NO_KEY, WHOLE, settings_rotate, "Act", "Puts a new secret first; old ones stay.")
X(POST, "/api/v1/secrets/retire", SETTINGS, NO_KEY, WHOLE, settings_retire, "Act", "Takes all but the newest secret away.")
X(POST, "/api/v1/people", PEOPLE, NO_KEY, WHOLE, people_add_one, "Link", "Adds a person; answers a one-time link.")
X(POST, "/api/v1/people/{name}/role", PEOPLE, NO_KEY, WHOLE, people_change_role, "Act", "Changes a role.")
X(POST, "/api/v1/people/{name}/invite", PEOPLE, NO_KEY, WHOLE, people_invite_again, "Link", "A new one-time link; the password ends.")
X(DELETE, "/api/v1/people/{name}", PEOPLE, NO_KEY, WHOLE, people_remove_one, "Act", "Removes a person.")
X(POST, "/api/v1/keys", PEOPLE, NO_KEY, WHOLE, keys_add, "NewKey", "Adds an API key; shown once.")
X(DELETE, "/api/v1/keys/{id}", PEOPLE, NO_KEY, WHOLE, keys_remove, "Act", "Removes an API key.")
X(DELETE, "/api/v1/sessions/{id}", READ, NO_KEY, WHOLE, me_end_session, "Act", "Ends a session: one's own, or with PEOPLE anybody's.")
X(POST, "/api/v1/me/password", READ, NO_KEY, WHOLE, me_password, "Act", "Changes one's own password.")
X(POST, "/api/v1/me/totp", READ, NO_KEY, WHOLE, me_totp_start, "TotpStart", "Begins two-step sign-in.")
X(POST, "/api/v1/me/totp/confirm", READ, NO_KEY, WHOLE, me_totp_confirm, "Act", "Turns two-step sign-in on.")
X(POST, "/api/v1/me/totp/remove", READ, NO_KEY, WHOLE, me_totp_remove, "Act", "Turns two-step sign-in off.")
