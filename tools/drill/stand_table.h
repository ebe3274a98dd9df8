/* stand_table.h - the targets that can stand in: X(actor, provider), defined in stand_<provider>.c as
 * `const struct stand_kind stand_<actor>_<provider>`. */
X(crm, hubspot)
X(crm, mailchimp)
X(crm, kit)
X(crm, http)
X(support, zendesk)
X(support, helpscout)
X(support, intercom)
X(mailer, smtp)
X(mailer, resend)
X(mailer, postmark)
X(app, webhook)
X(alert, slack)
