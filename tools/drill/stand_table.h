/* stand_table.h - the targets that can stand in: X(actor, provider), defined in stand_<provider>.c as
 * `const struct stand_kind stand_<actor>_<provider>`. */
X(crm, hubspot)
X(support, zendesk)
X(mailer, smtp)
X(app, webhook)
X(alert, slack)
