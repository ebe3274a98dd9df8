#include "stripe_objects.h"

#include "must.h"
#include "values.h"

#include <stdio.h>
#include <string.h>

enum {
    DAY_S = 86400,
    CASE_TRIAL_DAYS = 14,
    RETRY_DAYS = 3,
    EVIDENCE_DAYS = 9,
    PRICE_AGE_DAYS = 200
};

/* What nobody reads, and what a real body is full of. Single quotes stand for double ones. */
static const char customer_rest[] =
    "{'object':'customer','address':{'city':null,'country':'US','line1':null,'line2':null,"
    "'postal_code':'94107','state':null},'balance':0,'default_source':null,'delinquent':false,"
    "'description':null,'discount':null,'invoice_settings':{'custom_fields':null,"
    "'default_payment_method':null,'footer':null,'rendering_options':null},"
    "'next_invoice_sequence':1,'phone':null,'preferred_locales':['en-US'],'shipping':null,"
    "'tax_exempt':'none','test_clock':null}";

static const char checkout_rest[] =
    "{'object':'checkout.session','adaptive_pricing':{'enabled':true},'after_expiration':null,"
    "'allow_promotion_codes':null,'automatic_tax':{'enabled':false,'liability':null,'provider':"
    "null,'status':null},'billing_address_collection':'auto','cancel_url':"
    "'https://app.example.com/pricing','client_secret':null,'collected_information':null,"
    "'consent':null,'consent_collection':null,'currency_conversion':null,'custom_fields':[],"
    "'custom_text':{'after_submit':null,'shipping_address':null,'submit':null,"
    "'terms_of_service_acceptance':null},'customer_creation':'always','customer_email':null,"
    "'discounts':[],'invoice_creation':null,'locale':'en','payment_link':null,"
    "'payment_method_collection':'always','payment_method_configuration_details':null,"
    "'payment_method_options':{'card':{'request_three_d_secure':'automatic'}},"
    "'payment_method_types':['card','link'],'phone_number_collection':{'enabled':false},"
    "'recovered_from':null,'saved_payment_method_options':null,'setup_intent':null,"
    "'shipping_address_collection':null,'shipping_cost':null,'shipping_options':[],"
    "'status':'complete','submit_type':null,'success_url':'https://app.example.com/welcome',"
    "'total_details':{'amount_discount':0,'amount_shipping':0,'amount_tax':0},"
    "'ui_mode':'hosted','url':null,'wallet_options':null}";

static const char subscription_rest[] =
    "{'object':'subscription','application':null,'application_fee_percent':null,'automatic_tax':"
    "{'disabled_reason':null,'enabled':false,'liability':null},'billing_cycle_anchor_config':null,"
    "'billing_mode':{'type':'classic'},'billing_thresholds':null,'cancel_at':null,"
    "'cancel_at_period_end':false,'canceled_at':null,'cancellation_details':{'comment':null,"
    "'feedback':null,'reason':null},'collection_method':'charge_automatically','days_until_due':"
    "null,'default_source':null,'default_tax_rates':[],'description':null,'discounts':[],"
    "'ended_at':null,'invoice_settings':{'account_tax_ids':null,'issuer':{'type':'self'}},"
    "'next_pending_invoice_item_invoice':null,'on_behalf_of':null,'pause_collection':null,"
    "'payment_settings':{'payment_method_options':null,'payment_method_types':null,"
    "'save_default_payment_method':'off'},'pending_invoice_item_interval':null,"
    "'pending_setup_intent':null,'pending_update':null,'schedule':null,'test_clock':null,"
    "'transfer_data':null,'trial_end':null,'trial_settings':{'end_behavior':"
    "{'missing_payment_method':'create_invoice'}},'trial_start':null}";

static const char invoice_rest[] =
    "{'object':'invoice','account_country':'US','account_name':'Example','account_tax_ids':null,"
    "'amount_overpaid':0,'amount_shipping':0,'application':null,'attempted':true,'auto_advance':"
    "false,'automatic_tax':{'disabled_reason':null,'enabled':false,'liability':null,'provider':"
    "null,'status':null},'collection_method':'charge_automatically','custom_fields':null,"
    "'customer_address':null,'customer_phone':null,'customer_shipping':null,"
    "'customer_tax_exempt':'none','customer_tax_ids':[],'default_payment_method':null,"
    "'default_source':null,'default_tax_rates':[],'description':null,'discounts':[],'due_date':"
    "null,'ending_balance':0,'footer':null,'from_invoice':null,'issuer':{'type':'self'},"
    "'last_finalization_error':null,'latest_revision':null,'metadata':{},'on_behalf_of':null,"
    "'payment_settings':{'default_mandate':null,'payment_method_options':null,"
    "'payment_method_types':null},'post_payment_credit_notes_amount':0,"
    "'pre_payment_credit_notes_amount':0,'receipt_number':null,'rendering':null,'shipping_cost':"
    "null,'shipping_details':null,'starting_balance':0,'statement_descriptor':null,'test_clock':"
    "null,'total_discount_amounts':[],'total_taxes':[]}";

static const char charge_rest[] =
    "{'object':'charge','application':null,'application_fee':null,'application_fee_amount':null,"
    "'calculated_statement_descriptor':'EXAMPLE','captured':true,'disputed':false,"
    "'failure_balance_transaction':null,'failure_code':null,'failure_message':null,"
    "'fraud_details':{},'metadata':{},'on_behalf_of':null,'outcome':{'advice_code':null,"
    "'network_advice_code':null,'network_decline_code':null,'network_status':"
    "'approved_by_network','reason':null,'risk_level':'normal','risk_score':12,"
    "'seller_message':'Payment complete.','type':'authorized'},'paid':true,"
    "'payment_method_details':{'card':{'brand':'visa','checks':{'address_line1_check':null,"
    "'address_postal_code_check':'pass','cvc_check':'pass'},'country':'US','exp_month':8,"
    "'exp_year':2031,'funding':'credit','installments':null,'last4':'4242','mandate':null,"
    "'network':'visa','three_d_secure':null,'wallet':null},'type':'card'},'radar_options':{},"
    "'receipt_number':null,'review':null,'shipping':null,'source':null,'source_transfer':null,"
    "'statement_descriptor':null,'statement_descriptor_suffix':null,'status':'succeeded',"
    "'transfer_data':null,'transfer_group':null}";

static const char intent_rest[] =
    "{'object':'payment_intent','amount_capturable':0,'amount_details':{'tip':{}},"
    "'application':null,'application_fee_amount':null,'automatic_payment_methods':null,"
    "'canceled_at':null,'cancellation_reason':null,'capture_method':'automatic',"
    "'confirmation_method':'automatic','last_payment_error':null,'metadata':{},'next_action':"
    "null,'on_behalf_of':null,'payment_method_configuration_details':null,"
    "'payment_method_options':{'card':{'installments':null,'mandate_options':null,'network':"
    "null,'request_three_d_secure':'automatic'}},'payment_method_types':['card','link'],"
    "'processing':null,'review':null,'setup_future_usage':'off_session','shipping':null,"
    "'source':null,'statement_descriptor':null,'statement_descriptor_suffix':null,'status':"
    "'succeeded','transfer_data':null,'transfer_group':null}";

static const char dispute_rest[] =
    "{'object':'dispute','balance_transactions':[],'enhanced_eligibility_types':[],'evidence':"
    "{'access_activity_log':null,'billing_address':null,'cancellation_policy':null,"
    "'cancellation_policy_disclosure':null,'cancellation_rebuttal':null,"
    "'customer_communication':null,'customer_email_address':null,'customer_name':null,"
    "'customer_purchase_ip':null,'customer_signature':null,'product_description':null,'receipt':"
    "null,'refund_policy':null,'refund_policy_disclosure':null,'refund_refusal_explanation':null,"
    "'service_date':null,'service_documentation':null,'uncategorized_file':null,"
    "'uncategorized_text':null},'metadata':{},'payment_method_details':{'card':{'brand':'visa',"
    "'case_type':'chargeback','network_reason_code':'10.4'},'type':'card'}}";

static json_t *object_from(const char *rest)
{
    char *text = must_strdup(rest);
    for (char *at = text; (at = strchr(at, '\'')); at++) {
        *at = '"';
    }
    json_t *object = json_loads(text, 0, NULL);
    MUST(object);
    free(text);
    return object;
}

/* Text, or null when there is none: Stripe leaves no field out. */
static void put(json_t *object, const char *key, const char *text)
{
    tree_set(object, key, text ? json_string(text) : json_null());
}

static json_t *list_of(json_t *item, const char *url)
{
    json_t *list =
        json_pack("{s:s, s:[], s:b, s:s}", "object", "list", "data", "has_more", 0, "url", url);
    MUST(list);
    if (item) {
        MUST(json_array_append_new(json_object_get(list, "data"), item) == 0);
    }
    return list;
}

json_int_t stripe_later(const struct stripe_case *at, int days)
{
    return at->at_s + (json_int_t)days * DAY_S;
}

bool stripe_is_guest(const struct stripe_case *at)
{
    return at->customer && strcmp(at->customer, "none") == 0;
}

static void put_id(json_t *object, const char *key, const struct stripe_case *at,
                   const char *prefix, enum stripe_scope scope)
{
    char id[STRIPE_ID_CHARS_MAX];
    put(object, key, stripe_id(at, prefix, scope, id));
}

static void put_customer(json_t *object, const struct stripe_case *at)
{
    if (stripe_is_guest(at)) {
        put(object, "customer", NULL);
    } else {
        put_id(object, "customer", at, "cus_", STRIPE_PERSON);
    }
}

static json_t *metadata_of(const struct stripe_case *at)
{
    json_t *metadata = json_object();
    tree_set_text(metadata, "user_id", at->app_user);
    return metadata;
}

static int64_t period_start(const struct stripe_case *at)
{
    return at->at_s;
}

static int64_t period_end(const struct stripe_case *at)
{
    return stripe_later(at, STRIPE_PERIOD_DAYS);
}

json_t *stripe_customer(const struct stripe_case *at)
{
    json_t *customer = object_from(customer_rest);
    put_id(customer, "id", at, "cus_", STRIPE_PERSON);
    tree_set_int(customer, "created", at->at_s);
    put(customer, "currency", at->currency);
    put(customer, "email", at->email);
    put(customer, "name", at->name);
    put(customer, "invoice_prefix", "1A2B3C4D");
    tree_set_flag(customer, "livemode", at->livemode);
    tree_set(customer, "metadata", metadata_of(at));
    return customer;
}

json_t *stripe_checkout(const struct stripe_case *at, const char *mode, bool trial)
{
    bool subscribes = strcmp(mode, "subscription") == 0;
    json_t *session = object_from(checkout_rest);
    put_id(session, "id", at, at->livemode ? "cs_live_a1" : "cs_test_a1", STRIPE_SUBSCRIPTION);
    tree_set_int(session, "amount_subtotal", trial ? 0 : at->amount);
    tree_set_int(session, "amount_total", trial ? 0 : at->amount);
    put(session, "client_reference_id", at->app_user);
    tree_set_int(session, "created", at->at_s - 90); /* it was open while the card was typed */
    put(session, "currency", at->currency);
    put_customer(session, at);
    json_t *details =
        json_pack("{s:{s:n, s:s, s:n, s:n, s:s, s:n}, s:s, s:s, s:n, s:s, s:[]}", "address", "city",
                  "country", "US", "line1", "line2", "postal_code", "94107", "state", "email",
                  at->email, "name", at->name, "phone", "tax_exempt", "none", "tax_ids");
    MUST(details);
    tree_set(session, "customer_details", details);
    tree_set_int(session, "expires_at", stripe_later(at, 1));
    tree_set_flag(session, "livemode", at->livemode);
    tree_set(session, "metadata", metadata_of(at));
    put(session, "mode", mode);
    put(session, "payment_status", trial ? "no_payment_required" : "paid");
    put(session, "invoice", NULL);
    put(session, "subscription", NULL);
    put(session, "payment_intent", NULL);
    if (subscribes) {
        put_id(session, "invoice", at, "in_1U", STRIPE_PERIOD);
        put_id(session, "subscription", at, "sub_1U", STRIPE_SUBSCRIPTION);
    } else {
        put_id(session, "payment_intent", at, "pi_3U", STRIPE_PERIOD);
    }
    return session;
}

static json_t *price_of(const struct stripe_case *at)
{
    json_t *price = json_pack(
        "{s:s, s:s, s:b, s:s, s:I, s:s, s:n, s:b, s:n, s:{}, s:n, s:s, s:{s:s, s:i, s:s}, s:s, "
        "s:s, s:I}",
        "id", at->price, "object", "price", "active", 1, "billing_scheme", "per_unit", "created",
        stripe_later(at, -PRICE_AGE_DAYS), "currency", at->currency, "custom_unit_amount",
        "livemode", at->livemode, "lookup_key", "metadata", "nickname", "product", at->product,
        "recurring", "interval", "month", "interval_count", 1, "usage_type", "licensed",
        "tax_behavior", "unspecified", "type", "recurring", "unit_amount", (json_int_t)at->amount);
    MUST(price);
    return price;
}

json_t *stripe_subscription(const struct stripe_case *at, const char *status)
{
    bool trial = strcmp(status, "trialing") == 0;
    int64_t end = trial ? stripe_later(at, CASE_TRIAL_DAYS) : period_end(at);
    json_t *subscription = object_from(subscription_rest);
    put_id(subscription, "id", at, "sub_1U", STRIPE_SUBSCRIPTION);
    tree_set_int(subscription, "billing_cycle_anchor", end);
    tree_set_int(subscription, "created", at->at_s);
    put(subscription, "currency", at->currency);
    put_customer(subscription, at);
    put_id(subscription, "default_payment_method", at, "pm_1U", STRIPE_PERSON);
    put_id(subscription, "latest_invoice", at, "in_1U", STRIPE_PERIOD);
    tree_set_flag(subscription, "livemode", at->livemode);
    tree_set(subscription, "metadata", metadata_of(at));
    tree_set_int(subscription, "start_date", at->at_s);
    put(subscription, "status", status);
    if (trial) {
        tree_set_int(subscription, "trial_start", at->at_s);
        tree_set_int(subscription, "trial_end", end);
    }
    json_t *item = json_pack("{s:s, s:I, s:[], s:{}, s:o, s:i, s:[]}", "object",
                             "subscription_item", "created", (json_int_t)at->at_s, "discounts",
                             "metadata", "price", price_of(at), "quantity", 1, "tax_rates");
    MUST(item);
    put_id(item, "id", at, "si_", STRIPE_SUBSCRIPTION);
    put_id(item, "subscription", at, "sub_1U", STRIPE_SUBSCRIPTION);
    json_t *holder = at->old_shape ? subscription : item;
    tree_set_int(holder, "current_period_start", period_start(at));
    tree_set_int(holder, "current_period_end", end);
    tree_set(subscription, "items", list_of(item, "/v1/subscription_items"));
    return subscription;
}

static json_t *invoice_line(const struct stripe_case *at, int64_t amount)
{
    char subscription[STRIPE_ID_CHARS_MAX], item[STRIPE_ID_CHARS_MAX];
    stripe_id(at, "sub_1U", STRIPE_SUBSCRIPTION, subscription);
    stripe_id(at, "si_", STRIPE_SUBSCRIPTION, item);
    json_t *line = json_pack(
        "{s:s, s:I, s:s, s:s, s:[], s:b, s:[], s:b, s:o, s:{s:I, s:I}, s:i, s:[]}", "object",
        "line_item", "amount", (json_int_t)amount, "currency", at->currency, "description",
        "1 x Membership (per month)", "discount_amounts", "discountable", 1, "discounts",
        "livemode", at->livemode, "metadata", metadata_of(at), "period", "start",
        (json_int_t)period_start(at), "end", (json_int_t)period_end(at), "quantity", 1, "taxes");
    MUST(line);
    put_id(line, "id", at, "il_1U", STRIPE_PERIOD);
    put_id(line, "invoice", at, "in_1U", STRIPE_PERIOD);
    if (at->old_shape) {
        put(line, "type", "subscription");
        put(line, "subscription", subscription);
        put(line, "subscription_item", item);
        tree_set(line, "price", price_of(at));
        return line;
    }
    char decimal[32];
    snprintf(decimal, sizeof decimal, "%lld", (long long)at->amount);
    tree_set(line, "parent",
             json_pack("{s:n, s:{s:n, s:b, s:n, s:s, s:s}, s:s}", "invoice_item_details",
                       "subscription_item_details", "invoice_item", "proration", 0,
                       "proration_details", "subscription", subscription, "subscription_item", item,
                       "type", "subscription_item_details"));
    tree_set(line, "pricing",
             json_pack("{s:{s:s, s:s}, s:s, s:s}", "price_details", "price", at->price, "product",
                       at->product, "type", "price_details", "unit_amount_decimal", decimal));
    return line;
}

static void put_invoice_parents(json_t *invoice, const struct stripe_case *at, bool paid)
{
    char subscription[STRIPE_ID_CHARS_MAX];
    stripe_id(at, "sub_1U", STRIPE_SUBSCRIPTION, subscription);
    if (!at->old_shape) {
        tree_set(invoice, "parent",
                 json_pack("{s:n, s:{s:o, s:s}, s:s}", "quote_details", "subscription_details",
                           "metadata", metadata_of(at), "subscription", subscription, "type",
                           "subscription_details"));
        return;
    }
    put(invoice, "subscription", subscription);
    tree_set(invoice, "subscription_details", json_pack("{s:o}", "metadata", metadata_of(at)));
    put(invoice, "charge", NULL);
    put(invoice, "payment_intent", NULL);
    if (paid) {
        put_id(invoice, "charge", at, "ch_3U", STRIPE_PERIOD);
        put_id(invoice, "payment_intent", at, "pi_3U", STRIPE_PERIOD);
    }
    tree_set_flag(invoice, "paid", paid);
}

json_t *stripe_invoice(const struct stripe_case *at, const char *reason, bool paid, int64_t amount)
{
    json_t *invoice = object_from(invoice_rest);
    put_id(invoice, "id", at, "in_1U", STRIPE_PERIOD);
    tree_set_int(invoice, "amount_due", amount);
    tree_set_int(invoice, "amount_paid", paid ? amount : 0);
    tree_set_int(invoice, "amount_remaining", paid ? 0 : amount);
    tree_set_int(invoice, "attempt_count", amount ? 1 : 0);
    put(invoice, "billing_reason", reason);
    tree_set_int(invoice, "created", at->at_s);
    put(invoice, "currency", at->currency);
    put_customer(invoice, at);
    put(invoice, "customer_email", at->email);
    put(invoice, "customer_name", at->name);
    tree_set_int(invoice, "effective_at", at->at_s);
    put(invoice, "hosted_invoice_url", "https://invoice.stripe.com/i/example");
    put(invoice, "invoice_pdf", "https://pay.stripe.com/invoice/example/pdf");
    tree_set(invoice, "lines", list_of(invoice_line(at, amount), "/v1/invoices/lines"));
    tree_set_flag(invoice, "livemode", at->livemode);
    tree_set(invoice, "next_payment_attempt",
             paid ? json_null() : json_integer(stripe_later(at, RETRY_DAYS)));
    put(invoice, "number", "1A2B3C4D-0001");
    tree_set_int(invoice, "period_start", at->at_s);
    tree_set_int(invoice, "period_end", at->at_s);
    put(invoice, "status", paid ? "paid" : "open");
    tree_set(invoice, "status_transitions",
             json_pack("{s:I, s:n, s:o, s:n}", "finalized_at", (json_int_t)at->at_s,
                       "marked_uncollectible_at", "paid_at",
                       paid ? json_integer(at->at_s) : json_null(), "voided_at"));
    tree_set_int(invoice, "subtotal", amount);
    tree_set_int(invoice, "total", amount);
    put_invoice_parents(invoice, at, paid && amount);
    return invoice;
}

json_t *stripe_invoice_payment(const struct stripe_case *at)
{
    char intent[STRIPE_ID_CHARS_MAX];
    stripe_id(at, "pi_3U", STRIPE_PERIOD, intent);
    json_t *payment =
        json_pack("{s:s, s:I, s:I, s:I, s:s, s:b, s:b, s:{s:s, s:s}, s:s, s:{s:n, s:I}}", "object",
                  "invoice_payment", "amount_paid", (json_int_t)at->amount, "amount_requested",
                  (json_int_t)at->amount, "created", (json_int_t)at->at_s, "currency", at->currency,
                  "is_default", 1, "livemode", at->livemode, "payment", "payment_intent", intent,
                  "type", "payment_intent", "status", "paid", "status_transitions", "canceled_at",
                  "paid_at", (json_int_t)at->at_s);
    MUST(payment);
    put_id(payment, "id", at, "inpay_1U", STRIPE_PERIOD);
    put_id(payment, "invoice", at, "in_1U", STRIPE_PERIOD);
    return payment;
}

json_t *stripe_charge(const struct stripe_case *at, bool for_invoice, int64_t refunded)
{
    json_t *charge = object_from(charge_rest);
    put_id(charge, "id", at, "ch_3U", STRIPE_PERIOD);
    tree_set_int(charge, "amount", at->amount);
    tree_set_int(charge, "amount_captured", at->amount);
    tree_set_int(charge, "amount_refunded", refunded);
    put_id(charge, "balance_transaction", at, "txn_3U", STRIPE_PERIOD);
    json_t *billing = json_pack("{s:{s:n, s:s, s:n, s:n, s:s, s:n}, s:s, s:s, s:n, s:n}", "address",
                                "city", "country", "US", "line1", "line2", "postal_code", "94107",
                                "state", "email", at->email, "name", at->name, "phone", "tax_id");
    MUST(billing);
    tree_set(charge, "billing_details", billing);
    tree_set_int(charge, "created", at->at_s);
    put(charge, "currency", at->currency);
    put_customer(charge, at);
    put(charge, "description", for_invoice ? "Subscription creation" : "Payment");
    tree_set_flag(charge, "livemode", at->livemode);
    put_id(charge, "payment_intent", at, "pi_3U", STRIPE_PERIOD);
    put_id(charge, "payment_method", at, "pm_1U", STRIPE_PERSON);
    put(charge, "receipt_email", for_invoice ? NULL : at->email);
    put(charge, "receipt_url", "https://pay.stripe.com/receipts/example");
    tree_set_flag(charge, "refunded", refunded >= at->amount);
    if (at->old_shape && for_invoice) {
        put_id(charge, "invoice", at, "in_1U", STRIPE_PERIOD);
    }
    return charge;
}

json_t *stripe_payment_intent(const struct stripe_case *at, bool for_invoice)
{
    json_t *intent = object_from(intent_rest);
    put_id(intent, "id", at, "pi_3U", STRIPE_PERIOD);
    tree_set_int(intent, "amount", at->amount);
    tree_set_int(intent, "amount_received", at->amount);
    tree_set_int(intent, "created", at->at_s);
    put(intent, "currency", at->currency);
    put_customer(intent, at);
    put(intent, "description", for_invoice ? "Subscription creation" : "Payment");
    put_id(intent, "latest_charge", at, "ch_3U", STRIPE_PERIOD);
    tree_set_flag(intent, "livemode", at->livemode);
    put_id(intent, "payment_method", at, "pm_1U", STRIPE_PERSON);
    put(intent, "receipt_email", for_invoice ? NULL : at->email);
    if (at->old_shape && for_invoice) {
        put_id(intent, "invoice", at, "in_1U", STRIPE_PERIOD);
    }
    return intent;
}

json_t *stripe_refund(const struct stripe_case *at, int64_t amount)
{
    json_t *refund = json_pack(
        "{s:s, s:I, s:I, s:s, s:{s:{s:s, s:s}, s:s}, s:{}, s:s, s:n, s:n, s:s, s:n, s:n}", "object",
        "refund", "amount", (json_int_t)amount, "created", (json_int_t)at->at_s, "currency",
        at->currency, "destination_details", "card", "reference_status", "pending", "type",
        "refund", "type", "card", "metadata", "reason", "requested_by_customer", "receipt_number",
        "source_transfer_reversal", "status", "succeeded", "transfer_reversal", "customer");
    MUST(refund);
    char prefix[32]; /* another part is another refund */
    snprintf(prefix, sizeof prefix, "re_3U%llx", (unsigned long long)amount);
    put_id(refund, "id", at, prefix, STRIPE_PERIOD);
    put_id(refund, "balance_transaction", at, "txn_3U", STRIPE_PERIOD);
    put_id(refund, "charge", at, "ch_3U", STRIPE_PERIOD);
    put_id(refund, "payment_intent", at, "pi_3U", STRIPE_PERIOD);
    return refund;
}

json_t *stripe_dispute(const struct stripe_case *at, const char *status, bool inquiry)
{
    json_t *dispute = object_from(dispute_rest);
    put_id(dispute, "id", at, inquiry ? "du_1Q" : "du_1U", STRIPE_PERIOD);
    tree_set_int(dispute, "amount", at->amount);
    put_id(dispute, "charge", at, "ch_3U", STRIPE_PERIOD);
    tree_set_int(dispute, "created", at->at_s);
    put(dispute, "currency", at->currency);
    tree_set(dispute, "evidence_details",
             json_pack("{s:I, s:{}, s:b, s:b, s:i}", "due_by", stripe_later(at, EVIDENCE_DAYS),
                       "enhanced_eligibility", "has_evidence", 0, "past_due", 0, "submission_count",
                       0));
    tree_set_flag(dispute, "is_charge_refundable", inquiry);
    tree_set_flag(dispute, "livemode", at->livemode);
    put_id(dispute, "payment_intent", at, "pi_3U", STRIPE_PERIOD);
    put(dispute, "reason", inquiry ? "general" : "fraudulent");
    put(dispute, "status", status);
    return dispute;
}
