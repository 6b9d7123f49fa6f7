/* What parsing alone costs: a stream's bytes from standard input through libxml2's push parser, names, attributes and
   text looked at and forgotten. It prints how many stanzas there were. */
#include <libxml/parser.h>
#include <stdio.h>
#include <unistd.h>

struct counts {
  int depth;
  long stanzas, bytes;
};

static void start(void *user, const xmlChar *name, const xmlChar *prefix, const xmlChar *namespace, int namespaces,
                  const xmlChar **declared, int attributes, int defaulted, const xmlChar **attribute) {
  struct counts *counts = user;
  (void)name, (void)prefix, (void)namespace, (void)namespaces, (void)declared, (void)defaulted;
  for (int i = 0; i < attributes; i++) counts->bytes += attribute[5 * i + 4] - attribute[5 * i + 3];
  counts->depth++;
}

static void end(void *user, const xmlChar *name, const xmlChar *prefix, const xmlChar *namespace) {
  struct counts *counts = user;
  (void)prefix, (void)namespace;
  if (--counts->depth == 1 && name[0] == 'm') counts->stanzas++;
}

static void text(void *user, const xmlChar *bytes, int count) {
  struct counts *counts = user;
  (void)bytes;
  counts->bytes += count;
}

int main(void) {
  struct counts counts = {0};
  xmlSAXHandler handler = {
      .initialized = XML_SAX2_MAGIC, .startElementNs = start, .endElementNs = end, .characters = text};
  xmlParserCtxtPtr parser = xmlCreatePushParserCtxt(&handler, &counts, NULL, 0, NULL);
  static char buffer[16384];
  ssize_t count;
  while ((count = read(STDIN_FILENO, buffer, sizeof buffer)) > 0)
    if (xmlParseChunk(parser, buffer, count, 0) != 0) return 1;
  printf("%ld\n", counts.stanzas);
  return counts.depth != 0;
}
