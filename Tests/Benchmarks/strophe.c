/* What a short program over libstrophe costs that does the same:

       strophe listen PORT DOMAIN COUNT                          prints so many messages, one a line
       strophe send PORT JID PASSWORD AUTHORITIES RECIPIENT      sends one message, and waits for the server to answer
                                                                 a ping behind it */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strophe.h>

static xmpp_ctx_t *context;
static const char *recipient;
static long wanted, seen;
static int succeeded;

static const char *or_nothing(const char *text) { return text ? text : ""; }

static int message(xmpp_conn_t *connection, xmpp_stanza_t *stanza, void *user) {
  (void)user;
  xmpp_stanza_t *body = xmpp_stanza_get_child_by_name(stanza, "body");
  char *text = body ? xmpp_stanza_get_text(body) : NULL;
  printf("%s\t%s\t%s\t%s\n", or_nothing(xmpp_stanza_get_id(stanza)), or_nothing(xmpp_stanza_get_from(stanza)),
         or_nothing(xmpp_stanza_get_type(stanza)), or_nothing(text));
  if (text) xmpp_free(context, text);
  if (++seen == wanted) {
    succeeded = 1;
    xmpp_disconnect(connection);
  }
  return 1;
}

static int answered(xmpp_conn_t *connection, xmpp_stanza_t *stanza, void *user) {
  (void)stanza, (void)user;
  succeeded = 1;
  xmpp_disconnect(connection);
  return 0;
}

static void send_and_ask(xmpp_conn_t *connection) {
  xmpp_stanza_t *message = xmpp_message_new(context, "chat", recipient, "m1");
  xmpp_message_set_body(message, "disk full");
  xmpp_send(connection, message);
  xmpp_stanza_release(message);

  xmpp_stanza_t *question = xmpp_iq_new(context, "get", "q1");
  xmpp_stanza_t *ping = xmpp_stanza_new(context);
  xmpp_stanza_set_name(ping, "ping");
  xmpp_stanza_set_ns(ping, "urn:xmpp:ping");
  xmpp_stanza_add_child(question, ping);
  xmpp_stanza_release(ping);
  xmpp_id_handler_add(connection, answered, "q1", NULL);
  xmpp_send(connection, question);
  xmpp_stanza_release(question);
}

static void connected(xmpp_conn_t *connection, xmpp_conn_event_t event, int error, xmpp_stream_error_t *stream_error,
                      void *user) {
  (void)error, (void)stream_error, (void)user;
  if (event != XMPP_CONN_CONNECT) {
    xmpp_stop(context);
  } else if (recipient) {
    send_and_ask(connection);
  } else {
    xmpp_handler_add(connection, message, NULL, "message", NULL, NULL);
    xmpp_stanza_t *presence = xmpp_presence_new(context);
    xmpp_send(connection, presence);
    xmpp_stanza_release(presence);
  }
}

int main(int count, char **words) {
  int listens = count == 5 && strcmp(words[1], "listen") == 0;
  if (!listens && (count != 7 || strcmp(words[1], "send") != 0)) return 64;
  signal(SIGPIPE, SIG_IGN);
  xmpp_initialize();
  context = xmpp_ctx_new(NULL, NULL);
  xmpp_conn_t *connection = xmpp_conn_new(context);
  xmpp_conn_set_jid(connection, words[3]);
  if (listens) {
    wanted = atol(words[4]);
    xmpp_conn_set_flags(connection, XMPP_CONN_FLAG_DISABLE_TLS);
  } else {
    xmpp_conn_set_pass(connection, words[4]);
    xmpp_conn_set_cafile(connection, words[5]);
    xmpp_conn_set_flags(connection, XMPP_CONN_FLAG_MANDATORY_TLS);
    recipient = words[6];
  }
  if (xmpp_connect_client(connection, "127.0.0.1", atoi(words[2]), connected, NULL) != XMPP_EOK) return 1;
  xmpp_run(context);
  xmpp_conn_release(connection);
  xmpp_ctx_free(context);
  xmpp_shutdown();
  return !succeeded;
}
