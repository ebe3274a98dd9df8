/* The client against a broker that fails to order. Everything runs on one loop, so that a test
 * decides who speaks next; the blocking calls meet the same broker in a thread. */
#include "client.h"

#include "fake_broker.h"
#include "test.h"

#include <stdatomic.h>

enum { DEADLINE_MS = 10000, TALLIES = 20000 };

struct world {
    struct fake_broker fake;
    zloop_t *loop;
    struct client *client;
    int ups, downs;
    /* of each event by its number */
    int answered[TALLIES];
    enum fault fault[TALLIES];
    uint64_t seq[TALLIES];
    int duplicates, answers;
    /* of the last READ */
    bool read_done;
    enum fault read_fault;
    size_t read_count;
    uint64_t read_next, read_head;
    char last_bell[64];
    uint64_t last_bell_seq;
    int heartbeats;
};

static struct world *world;

static int serve(zloop_t *loop, zsock_t *socket, void *self)
{
    (void)loop, (void)socket, (void)self;
    (void)fake_serve(&world->fake, 0);
    return 0;
}

static void on_state(void *self, bool up, uint64_t head, uint64_t floor)
{
    (void)self, (void)head, (void)floor;
    world->ups += up;
    world->downs += !up;
}

static void connect_client(const char *const *bell_topics, bool bells)
{
    struct client_options options = {world->fake.home, "crm", world->loop, bells, bell_topics};
    assert_int_equal(client_new(&options, &world->client), OK);
    client_on_state(world->client, on_state, NULL);
}

static int set_up(void **state)
{
    (void)state;
    world = must_calloc(1, sizeof *world);
    fake_open(&world->fake);
    world->loop = zloop_new();
    zloop_reader(world->loop, world->fake.router, serve, NULL);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    client_destroy(&world->client);
    zloop_destroy(&world->loop);
    fake_close(&world->fake);
    free(world);
    return 0;
}

static bool (*wanted)(void);

static int look(zloop_t *loop, int timer, void *self)
{
    (void)loop, (void)timer, (void)self;
    return wanted() ? -1 : 0;
}

static int too_late(zloop_t *loop, int timer, void *self)
{
    (void)loop, (void)timer;
    *(bool *)self = true;
    return -1;
}

static void run_until(bool (*condition)(void))
{
    bool late = false;
    wanted = condition;
    int looking = zloop_timer(world->loop, 5, 0, look, NULL);
    int deadline = zloop_timer(world->loop, DEADLINE_MS, 1, too_late, &late);
    zloop_start(world->loop);
    zloop_timer_end(world->loop, looking);
    zloop_timer_end(world->loop, deadline);
    assert_false(late);
}

static bool is_up(void)
{
    return client_is_up(world->client);
}

static bool is_down(void)
{
    return !client_is_up(world->client);
}

static bool all_answered(void)
{
    return client_in_flight(world->client) == 0;
}

static bool read_done(void)
{
    return world->read_done;
}

static void pack_numbered(size_t number, const char *prefix, size_t data_bytes, struct buf *out)
{
    struct event event = {.version = 1, .time_ms = 1};
    snprintf(event.id, sizeof event.id, "crm:%s%zu", prefix, number);
    EVENT_SET(event.type, "job.done");
    char *text = must_calloc(1, data_bytes + 1);
    memset(text, 'x', data_bytes);
    json_t *data = json_object();
    tree_set_text(data, "text", text);
    buf_reset(out);
    event_pack_tree(&event, data, out);
    json_decref(data);
    free(text);
}

static void on_published(void *self, enum fault fault, uint64_t seq, bool duplicate)
{
    size_t number = (size_t)(uintptr_t)self;
    world->answered[number]++;
    world->fault[number] = fault;
    world->seq[number] = seq;
    world->duplicates += duplicate;
    world->answers++;
}

static enum fault publish(size_t number, size_t data_bytes)
{
    struct buf packed = {0};
    pack_numbered(number, "n", data_bytes, &packed);
    enum fault fault = client_publish(world->client, packed.bytes, packed.len, on_published,
                                      (void *)(uintptr_t)number);
    buf_fini(&packed);
    return fault;
}

static void publish_many(size_t count)
{
    for (size_t i = 0; i < count; i++) {
        assert_int_equal(publish(i, 100), OK);
    }
}

static void assert_all_once(size_t count)
{
    assert_int_equal(world->answers, count);
    for (size_t i = 0; i < count; i++) {
        assert_int_equal(world->answered[i], 1);
        assert_int_equal(world->fault[i], OK);
        assert_int_equal(world->seq[i], i + 1);
    }
    assert_int_equal(world->fake.count, count);
}

/* --- publishing ------------------------------------------------------------------------------ */

static void test_events_of_one_turn_share_a_message(void **state)
{
    (void)state;
    connect_client(NULL, false);
    run_until(is_up);
    publish_many(1000);
    run_until(all_answered);
    assert_all_once(1000);
    assert_int_equal(world->fake.publishes, 2); /* 512 and 488 */
    assert_int_equal(world->duplicates, 0);
}

static void test_unanswered_is_sent_again(void **state)
{
    (void)state;
    connect_client(NULL, false);
    run_until(is_up);
    world->fake.forget_answers = 2;
    publish_many(10);
    run_until(all_answered);
    assert_all_once(10);
    assert_int_equal(world->fake.publishes, 3);
    assert_int_equal(world->duplicates, 10);
}

static void test_second_answer_is_ignored(void **state)
{
    (void)state;
    connect_client(NULL, false);
    run_until(is_up);
    world->fake.answer_twice = 1;
    publish_many(10);
    run_until(all_answered);
    for (size_t i = 10; i < 20; i++) {
        assert_int_equal(publish(i, 100), OK);
    }
    run_until(all_answered);
    assert_all_once(20);
}

static bool in_trouble(void)
{
    return client_trouble(world->client) != OK;
}

static void test_temporary_refusal_is_tried_again(void **state)
{
    (void)state;
    connect_client(NULL, false);
    run_until(is_up);
    world->fake.refuse_times = 3;
    world->fake.refuse_with = FAULT_FULL;
    publish_many(10);
    run_until(in_trouble);
    assert_int_equal(client_trouble(world->client), FAULT_FULL);
    run_until(all_answered);
    assert_int_equal(client_trouble(world->client), OK);
    assert_all_once(10);
    assert_int_equal(world->fake.publishes, 4);
}

static void test_only_the_wrong_event_is_refused(void **state)
{
    (void)state;
    connect_client(NULL, false);
    run_until(is_up);
    world->fake.poison_id = "crm:n5";
    publish_many(10);
    run_until(all_answered);
    assert_int_equal(world->answers, 10);
    for (size_t i = 0; i < 10; i++) {
        assert_int_equal(world->answered[i], 1);
        assert_int_equal(world->fault[i], i == 5 ? FAULT_DENIED : OK);
    }
    assert_int_equal(world->fake.count, 9);
    assert_string_equal(client_words(world->client), "poison");
}

enum { ENOUGH = 1500 }; /* the broker of this test looks ids up by hand */

static bool enough_kept(void)
{
    return world->fake.count >= ENOUGH;
}

static void test_in_flight_is_bounded_and_keeps_its_order(void **state)
{
    (void)state;
    zloop_reader_end(world->loop, world->fake.router);
    fake_stop(&world->fake);
    connect_client(NULL, false);
    size_t count = 0;
    while (publish(count, 10) == OK) {
        count++;
    }
    assert_int_equal(count, CLIENT_PUBLISH_EVENTS_MAX);
    assert_int_equal(publish(count, 10), FAULT_FULL);
    assert_int_equal(publish(count, EVENT_BYTES_MAX), FAULT_TOO_LARGE);
    fake_bind(&world->fake);
    zloop_reader(world->loop, world->fake.router, serve, NULL);
    run_until(enough_kept);
    for (size_t i = 0; i < ENOUGH; i++) {
        char id[32];
        snprintf(id, sizeof id, "crm:n%zu", i);
        assert_string_equal(world->fake.events[i].id, id);
    }
}

static void test_bytes_in_flight_are_bounded(void **state)
{
    (void)state;
    zloop_reader_end(world->loop, world->fake.router);
    fake_stop(&world->fake);
    connect_client(NULL, false);
    size_t count = 0;
    while (publish(count, 500 * 1024) == OK) {
        count++;
    }
    assert_true(count >= 60 && count <= 65);
}

static bool restarted_and_answered(void)
{
    return all_answered() && world->ups >= 2;
}

static void test_broker_restarts_under_load(void **state)
{
    (void)state;
    connect_client(NULL, false);
    run_until(is_up);
    world->fake.forget_answers = 1; /* kept, and dies before it says so */
    publish_many(100);
    client_flush(world->client);
    assert_true(fake_serve(&world->fake, DEADLINE_MS));
    zloop_reader_end(world->loop, world->fake.router);
    fake_stop(&world->fake);
    for (size_t i = 100; i < 200; i++) {
        assert_int_equal(publish(i, 100), OK);
    }
    fake_bind(&world->fake);
    zloop_reader(world->loop, world->fake.router, serve, NULL);
    run_until(restarted_and_answered);
    assert_all_once(200);
}

/* --- the connection -------------------------------------------------------------------------- */

static bool is_silent_and_down(void)
{
    return world->downs > 0;
}

static void test_silence_makes_a_new_connection(void **state)
{
    (void)state;
    connect_client(NULL, false);
    run_until(is_up);
    world->fake.mute = 1000000;
    run_until(is_silent_and_down);
    world->fake.mute = 0;
    run_until(is_up);
    publish_many(10);
    run_until(all_answered);
    assert_all_once(10);
}

static bool beaten_twice(void)
{
    return world->fake.beats >= 2;
}

static void test_beats_carry_the_cursor(void **state)
{
    (void)state;
    connect_client(NULL, false);
    client_report(world->client, 42, json_pack("{s:i}", "jobs", 3));
    run_until(beaten_twice);
    assert_int_equal(world->fake.last_cursor, 42);
    assert_int_equal(world->fake.hellos, 1);
}

static bool is_refused(void)
{
    return client_refused(world->client) != OK;
}

static void test_refused_hello_is_told(void **state)
{
    (void)state;
    world->fake.refuse_hello = FAULT_DENIED;
    connect_client(NULL, false);
    run_until(is_refused);
    assert_int_equal(client_refused(world->client), FAULT_DENIED);
    assert_true(is_down());
    assert_string_equal(client_words(world->client), "not with that name");
}

/* --- reading --------------------------------------------------------------------------------- */

static void on_events(void *self, enum fault fault, struct value_cursor *body, size_t count,
                      uint64_t next, uint64_t head)
{
    (void)self;
    world->read_done = true;
    world->read_fault = fault;
    world->read_count = count;
    world->read_next = next;
    world->read_head = head;
    for (size_t i = 0; i < count; i++) {
        struct value_cursor map;
        struct event event;
        uint64_t seq;
        assert_int_equal(wire_next_event(body, &seq, &map), OK);
        assert_int_equal(event_parse(map.at, (size_t)(map.end - map.at), &event), OK);
        assert_string_equal(event.id, world->fake.events[seq - 1].id);
    }
}

static void read_from(uint64_t from)
{
    static const char *const topics[] = {"job.*", NULL};
    world->read_done = false;
    assert_int_equal(client_read(world->client, from, 100, topics, on_events, NULL), OK);
    assert_int_equal(client_read(world->client, from, 100, topics, on_events, NULL), FAULT_BUSY);
    run_until(read_done);
}

static void test_read(void **state)
{
    (void)state;
    connect_client(NULL, false);
    run_until(is_up);
    publish_many(250);
    run_until(all_answered);
    read_from(201);
    assert_int_equal(world->read_fault, OK);
    assert_int_equal(world->read_count, 50);
    assert_int_equal(world->read_next, 251);
    assert_int_equal(world->read_head, 250);
}

static void test_read_is_repeated_over_silence_and_refusal(void **state)
{
    (void)state;
    connect_client(NULL, false);
    run_until(is_up);
    publish_many(5);
    run_until(all_answered);
    world->fake.forget_reads = 2;
    read_from(1);
    assert_int_equal(world->read_count, 5);
    assert_int_equal(world->fake.reads, 3);
    world->fake.refuse_times = 2;
    world->fake.refuse_with = FAULT_BUSY;
    read_from(1);
    assert_int_equal(world->read_fault, OK);
    assert_int_equal(world->read_count, 5);
}

static void test_read_refused_for_good(void **state)
{
    (void)state;
    connect_client(NULL, false);
    run_until(is_up);
    world->fake.refuse_times = 1;
    world->fake.refuse_with = FAULT_GONE;
    read_from(1);
    assert_int_equal(world->read_fault, FAULT_GONE);
    assert_int_equal(world->read_count, 0);
}

/* --- bells and questions --------------------------------------------------------------------- */

static void on_bell(void *self, const char *type, uint64_t seq)
{
    (void)self;
    if (strcmp(type, "heartbeat") == 0) {
        world->heartbeats++;
    } else {
        snprintf(world->last_bell, sizeof world->last_bell, "%s", type);
        world->last_bell_seq = seq;
    }
}

static bool bell_rang(void)
{
    fake_ring(&world->fake, "job.done", 7);
    fake_ring(&world->fake, "member.joined", 8);
    return *world->last_bell;
}

static void test_bells_of_wanted_topics_only(void **state)
{
    (void)state;
    static const char *const topics[] = {"member.*", NULL};
    connect_client(topics, true);
    client_on_bell(world->client, on_bell, NULL);
    run_until(bell_rang);
    assert_string_equal(world->last_bell, "member.joined");
    assert_int_equal(world->last_bell_seq, 8);
}

static bool heartbeat_came(void)
{
    return world->heartbeats > 0;
}

static void test_beat_answers_count_as_heartbeats(void **state)
{
    (void)state;
    connect_client(NULL, false);
    client_on_bell(world->client, on_bell, NULL);
    run_until(heartbeat_came);
}

static json_t *on_question(void *self, const char *who, const json_t *question, enum fault *fault)
{
    (void)self;
    if (strcmp(tree_text(question, "ask"), "name") == 0) {
        return json_pack("{s:s}", "name", who);
    }
    if (strcmp(tree_text(question, "ask"), "huge") == 0) {
        char *text = must_calloc(1, WIRE_BODY_BYTES_MAX + 1);
        memset(text, 'x', WIRE_BODY_BYTES_MAX);
        json_t *answer = json_pack("{s:s}", "text", text);
        free(text);
        return answer;
    }
    *fault = FAULT_NOT_FOUND;
    return NULL;
}

static bool replied(void)
{
    return world->fake.reply;
}

static void ask(const char *what)
{
    json_t *question = json_pack("{s:s}", "ask", what);
    json_decref(world->fake.reply);
    world->fake.reply = NULL;
    fake_ask(&world->fake, question);
    json_decref(question);
    run_until(replied);
}

static void test_questions(void **state)
{
    (void)state;
    connect_client(NULL, false);
    client_on_question(world->client, on_question, NULL);
    run_until(is_up);
    ask("name");
    assert_string_equal(world->fake.reply_fault, "ok");
    assert_string_equal(tree_text(world->fake.reply, "name"), "people/ada");
    ask("nonsense");
    assert_string_equal(world->fake.reply_fault, fault_name(FAULT_NOT_FOUND));
    ask("huge");
    assert_string_equal(world->fake.reply_fault, fault_name(FAULT_TOO_LARGE));
    assert_int_equal(world->fake.hellos, 1);
    assert_true(is_up());
}

/* --- questions to others --------------------------------------------------------------------- */

enum { ASKED_MAX = CLIENT_ASKS_MAX + 1 };

static struct {
    int called[ASKED_MAX], done, ok;
    enum fault fault[ASKED_MAX];
    size_t bytes; /* of the last answer, if it is a text */
    json_t *last;
    bool within; /* client_ask has not returned */
    int ask_again;
    enum fault again_fault;
} asked;

static enum fault put_question(size_t number, int deadline_ms);

static void on_answered(void *self, enum fault fault, json_t *answer)
{
    size_t number = (size_t)(uintptr_t)self;
    assert_false(asked.within);
    assert_int_equal(fault == OK, answer != NULL);
    asked.called[number]++;
    asked.fault[number] = fault;
    asked.done++;
    asked.ok += fault == OK;
    asked.bytes = answer && json_is_string(answer) ? json_string_length(answer) : 0;
    json_decref(asked.last);
    asked.last = json_incref(answer);
    if (asked.ask_again > 0) {
        asked.ask_again--;
        asked.again_fault = put_question(number, DEADLINE_MS);
    }
}

static enum fault put_question(size_t number, int deadline_ms)
{
    json_t *question = json_pack("{s:i}", "number", (int)number);
    asked.within = true;
    enum fault fault = client_ask(world->client, "crm", question, deadline_ms, on_answered,
                                  (void *)(uintptr_t)number);
    asked.within = false;
    json_decref(question);
    return fault;
}

static int asked_wanted;

static bool all_asked(void)
{
    return asked.done >= asked_wanted;
}

static void begin_asking(void)
{
    json_decref(asked.last);
    memset(&asked, 0, sizeof asked);
    connect_client(NULL, false);
    assert_int_equal(put_question(0, DEADLINE_MS), FAULT_UNAVAILABLE); /* nobody there yet */
    run_until(is_up);
}

static void end_asking(void)
{
    json_decref(asked.last);
    asked.last = NULL;
}

static void test_asking(void **state)
{
    (void)state;
    begin_asking();
    for (size_t i = 0; i < CLIENT_ASKS_MAX; i++) {
        assert_int_equal(put_question(i, DEADLINE_MS), OK);
    }
    assert_int_equal(put_question(CLIENT_ASKS_MAX, DEADLINE_MS), FAULT_BUSY);
    asked_wanted = CLIENT_ASKS_MAX;
    run_until(all_asked);
    for (size_t i = 0; i < CLIENT_ASKS_MAX; i++) {
        assert_int_equal(asked.called[i], 1);
    }
    assert_int_equal(asked.ok, CLIENT_ASKS_MAX);
    assert_int_equal(tree_int(asked.last, "number"), CLIENT_ASKS_MAX - 1);
    /* an answer may lead to the next question, and may be as large as a message */
    asked.ask_again = 2;
    world->fake.answer_bytes = WIRE_BODY_BYTES_MAX - 5;
    asked_wanted += 3;
    assert_int_equal(put_question(7, DEADLINE_MS), OK);
    run_until(all_asked);
    assert_int_equal(asked.again_fault, OK);
    assert_int_equal(asked.called[7], 4);
    assert_int_equal(asked.bytes, WIRE_BODY_BYTES_MAX - 5);
    /* what the broker says is passed on */
    world->fake.refuse_ask = true;
    asked_wanted++;
    assert_int_equal(put_question(8, DEADLINE_MS), OK);
    run_until(all_asked);
    assert_int_equal(asked.fault[8], FAULT_UNAVAILABLE);
    assert_true(is_up());
    end_asking();
}

static void test_asking_without_answer(void **state)
{
    (void)state;
    begin_asking();
    world->fake.forget_asks = 1;
    int64_t began = clock_mono_ms();
    assert_int_equal(put_question(1, 100), OK);
    assert_int_equal(put_question(2, DEADLINE_MS), OK);
    asked_wanted = 2;
    run_until(all_asked);
    assert_int_equal(asked.fault[1], FAULT_TIMEOUT);
    assert_int_equal(asked.fault[2], OK);
    assert_true(clock_mono_ms() - began >= 100 + CLIENT_ASK_GRACE_MS);
    assert_int_equal(world->fake.asks, 2); /* never asked twice */
    end_asking();
}

static void test_asking_over_a_lost_connection(void **state)
{
    (void)state;
    begin_asking();
    world->fake.forget_asks = 2;
    assert_int_equal(put_question(1, DEADLINE_MS), OK);
    assert_int_equal(put_question(2, DEADLINE_MS), OK);
    asked.ask_again = 1; /* refused there and then, since nobody is there */
    world->fake.mute = 1000000;
    asked_wanted = 2;
    run_until(all_asked);
    assert_int_equal(asked.fault[1], FAULT_UNAVAILABLE);
    assert_int_equal(asked.fault[2], FAULT_UNAVAILABLE);
    assert_int_equal(asked.again_fault, FAULT_UNAVAILABLE);
    assert_true(is_down());
    world->fake.mute = 0;
    run_until(is_up);
    world->fake.forget_asks = 1;
    assert_int_equal(put_question(3, DEADLINE_MS), OK); /* and client_destroy calls nobody */
    client_destroy(&world->client);
    assert_int_equal(asked.done, 2);
    end_asking();
}

/* --- the blocking calls ---------------------------------------------------------------------- */

static atomic_bool serving;

static void *serve_always(void *self)
{
    (void)self;
    int64_t rung = 0;
    while (serving) {
        (void)fake_serve(&world->fake, 10);
        if (clock_mono_ms() - rung > 50) {
            rung = clock_mono_ms();
            fake_ring(&world->fake, "heartbeat", world->fake.count);
        }
    }
    return NULL;
}

static pthread_t server;

static int set_up_waiting(void **state)
{
    (void)set_up(state);
    zloop_destroy(&world->loop);
    struct client_options options = {world->fake.home, "crm", NULL, true, NULL};
    assert_int_equal(client_new(&options, &world->client), OK);
    serving = true;
    return pthread_create(&server, NULL, serve_always, NULL);
}

static int tear_down_waiting(void **state)
{
    serving = false;
    pthread_join(server, NULL);
    return tear_down(state);
}

static void test_waiting_calls(void **state)
{
    (void)state;
    uint64_t head, floor, seq, next;
    bool duplicate;
    struct buf packed = {0};
    pack_numbered(1, "w", 10, &packed);
    assert_int_equal(client_hello_wait(world->client, DEADLINE_MS, &head, &floor), OK);
    assert_int_equal(floor, 1);
    assert_int_equal(
        client_publish_wait(world->client, packed.bytes, packed.len, DEADLINE_MS, &seq, &duplicate),
        OK);
    assert_true(seq == 1 && !duplicate);
    assert_int_equal(
        client_publish_wait(world->client, packed.bytes, packed.len, DEADLINE_MS, &seq, &duplicate),
        OK);
    assert_true(seq == 1 && duplicate);
    buf_fini(&packed);

    json_t *list = json_array(), *answer;
    assert_int_equal(client_read_wait(world->client, 1, 10, NULL, DEADLINE_MS, list, &next, &head),
                     OK);
    assert_int_equal(json_array_size(list), 1);
    assert_string_equal(tree_text(json_array_get(list, 0), "id"), "crm:w1");
    assert_int_equal(tree_int(json_array_get(list, 0), "seq"), 1);
    assert_true(next == 2 && head == 1);

    assert_int_equal(client_ask_wait(world->client, "crm", list, DEADLINE_MS, &answer), OK);
    assert_true(json_equal(answer, list));
    json_decref(answer);
    json_decref(list);
    char type[64];
    assert_int_equal(client_bell_wait(world->client, DEADLINE_MS, type, sizeof type, &seq), OK);
    assert_string_equal(type, "heartbeat");
}

static void test_waiting_is_over_at_the_deadline(void **state)
{
    (void)state;
    uint64_t head, floor;
    json_t *question = json_object(), *answer;
    assert_int_equal(client_hello_wait(world->client, DEADLINE_MS, &head, &floor), OK);
    world->fake.refuse_ask = true;
    assert_int_equal(client_ask_wait(world->client, "crm", question, DEADLINE_MS, &answer),
                     FAULT_UNAVAILABLE);
    assert_string_equal(client_words(world->client), "crm is not here");
    world->fake.mute = 1000000;
    int64_t began = clock_mono_ms();
    assert_int_equal(client_ask_wait(world->client, "crm", question, 300, &answer), FAULT_TIMEOUT);
    assert_true(clock_mono_ms() - began >= 300 && clock_mono_ms() - began < DEADLINE_MS);
    json_decref(question);
}

static void test_nobody_there(void **state)
{
    (void)state;
    uint64_t head, floor;
    struct client_options options = {world->fake.home, "crm", NULL, false, NULL};
    fake_stop(&world->fake);
    assert_int_equal(client_new(&options, &world->client), OK);
    assert_int_equal(client_hello_wait(world->client, 200, &head, &floor), FAULT_UNAVAILABLE);
    client_destroy(&world->client);
    options.name = "nobody";
    assert_int_equal(client_new(&options, &world->client), FAULT_NOT_FOUND);
    assert_null(world->client);
}

#define ON_LOOP(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)
#define WAITING(test) cmocka_unit_test_setup_teardown(test, set_up_waiting, tear_down_waiting)

int main(void)
{
    zsys_handler_set(NULL);
    const struct CMUnitTest tests[] = {
        ON_LOOP(test_events_of_one_turn_share_a_message),
        ON_LOOP(test_unanswered_is_sent_again),
        ON_LOOP(test_second_answer_is_ignored),
        ON_LOOP(test_temporary_refusal_is_tried_again),
        ON_LOOP(test_only_the_wrong_event_is_refused),
        ON_LOOP(test_in_flight_is_bounded_and_keeps_its_order),
        ON_LOOP(test_bytes_in_flight_are_bounded),
        ON_LOOP(test_broker_restarts_under_load),
        ON_LOOP(test_silence_makes_a_new_connection),
        ON_LOOP(test_beats_carry_the_cursor),
        ON_LOOP(test_refused_hello_is_told),
        ON_LOOP(test_read),
        ON_LOOP(test_read_is_repeated_over_silence_and_refusal),
        ON_LOOP(test_read_refused_for_good),
        ON_LOOP(test_bells_of_wanted_topics_only),
        ON_LOOP(test_beat_answers_count_as_heartbeats),
        ON_LOOP(test_questions),
        ON_LOOP(test_asking),
        ON_LOOP(test_asking_without_answer),
        ON_LOOP(test_asking_over_a_lost_connection),
        WAITING(test_waiting_calls),
        WAITING(test_waiting_is_over_at_the_deadline),
        ON_LOOP(test_nobody_there),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
