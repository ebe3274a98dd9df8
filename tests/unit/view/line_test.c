/* line_test.c - events as a founder reads them, and nobody's name or address in the words. */
#include "test.h"

#include "access.h"
#include "line.h"
#include "member_view.h"
#include "values.h"

static const struct {
    const char *event, *lane, *text; /* text NULL: nothing to show */
} rows[] = {
    {"{'type':'payment.succeeded','data':{'facts':[{'kind':'payment','status':'paid','amount':2900,"
     "'currency':'usd'}]}}",
     "money", "Paid 29.00 USD"},
    {"{'type':'payment.failed','data':{'facts':[{'kind':'payment','status':'failed','amount':2900,'"
     "currency':'usd'}]}}",
     "money", "Payment failed: 29.00 USD"},
    {"{'type':'payment.refunded','data':{'facts':[{'kind':'refund','amount':2900,'of':2900,'"
     "currency':'usd'}]}}",
     "money", "Refunded in full: 29.00 USD"},
    {"{'type':'dispute.closed','data':{'facts':[{'kind':'dispute','status':'won','amount':2900,'"
     "currency':'usd'}]}}",
     "money", "Dispute won: 29.00 USD"},
    {"{'type':'payment.linked','data':{'facts':[{'kind':'link','key':'a','object':'b'}]}}", "",
     NULL},
    {"{'type':'member.due','data':{}}", "", NULL},
    {"{'type':'member.revoked','data':{'access':false,'state':'revoked','rule':'refunded in "
     "full','email':'a@b.cd'}}",
     "access", "Access off, revoked: refunded in full"},
    {"{'type':'job.done','data':{'actor':'crm','kind':'contact','target':'hubspot','state':'done','"
     "version':3}}",
     "tools", "Up to date in HubSpot (version 3)"},
    {"{'type':'job.done','data':{'actor':'mailer','kind':'welcome','target':'smtp','state':'done'}"
     "}",
     "mail", "Welcome mail sent"},
    {"{'type':'job.retrying','data':{'actor':'crm','kind':'contact','target':'hubspot','state':'"
     "waiting',"
     "'attempt':2,'error':'no answer for ada@example.com'}}",
     "tools", "Contact: waits for HubSpot, attempt 2: no answer for a***@example.com"},
    {"{'type':'job.dead','data':{'actor':'support','kind':'odd_kind','target':'zendesk','state':'"
     "dead'}}",
     "tools", "Odd kind: Zendesk does not take it; it waits for a person"},
    {"{'type':'admin.granted','who':'ada','data':{'until':1798761600000,'reason':'speaker'}}",
     "admin", "Access granted until 2027-01-01: speaker"},
    {"{'type':'admin.person_changed','data':{'what':'added','person':'bob','role':'support','"
     "reason':'joins'}}",
     "admin", "bob was added as support: joins"},
    {"{'type':'admin.signed_in','data':{'person':'bob'}}", "admin", "bob signed in"},
    {"{'type':'admin.revoked','data':{'lift':true,'reason':'talked'}}", "admin",
     "Revocation taken back: talked"},
    {"{'type':'alert.cleared','data':{'text':'A process is not there'}}", "alert",
     "Over: A process is not there"},
    {"{'type':'target.refused','data':{'target':'hubspot'}}", "system", "HubSpot refuses our key"},
    {"{'type':'crm.repaired','data':{'actor':'crm','target':'mailchimp','reason':'the contact was "
     "gone'}}",
     "tools", "Put right in Mailchimp: the contact was gone"},
    {"{'type':'nobody.knows','data':{}}", "", NULL},
};

static json_t *tree_of(const char *quoted)
{
    char text[1024];
    snprintf(text, sizeof text, "%s", quoted);
    for (char *at = text; *at; at++) {
        *at = *at == '\'' ? '"' : *at;
    }
    json_t *tree = json_loads(text, 0, NULL);
    assert_non_null(tree);
    return tree;
}

static void says_what_happened(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        json_t *event = tree_of(rows[i].event), *line = NULL;
        assert_int_equal(line_of(event, &line), rows[i].text != NULL);
        if (rows[i].text) {
            assert_string_equal(tree_text(line, "text"), rows[i].text);
            assert_string_equal(tree_text(line, "lane"), rows[i].lane);
        }
        json_decref(line);
        json_decref(event);
    }
}

static void access_is_told_whole(void **state)
{
    (void)state;
    json_t *document =
        tree_of("{'id':'mem_1','version':4,'access':true,'state':'active','reason':'paid',"
                "'tags':['member'],'until':1798761600000}");
    json_t *answer = access_answer(document, 0);
    assert_string_equal(tree_text(answer, "member"), "mem_1");
    assert_int_equal(tree_int(answer, "version"), 4);
    assert_string_equal(tree_text(answer, "until"), "2027-01-01T00:00:00Z");
    assert_int_equal(json_array_size(tree_get(answer, "features")), 1);
    json_decref(answer);
    tree_set_flag(document, "access", false);
    answer = access_answer(document, 0);
    assert_int_equal(json_array_size(tree_get(answer, "features")), 0); /* nothing without access */
    assert_true(json_is_null(tree_get(answer, "until")));
    json_decref(answer);
    json_decref(document);
}

static void a_silent_actor_is_not_known(void **state)
{
    (void)state;
    json_t *lane = member_lane(NULL, "crm");
    assert_string_equal(tree_text(lane, "state"), "unknown");
    assert_string_equal(tree_text(lane, "error"), "crm does not answer");
    json_decref(lane);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(says_what_happened),
                                       cmocka_unit_test(access_is_told_whole),
                                       cmocka_unit_test(a_silent_actor_is_not_known)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
