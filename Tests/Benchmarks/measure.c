/* Runs a command a number of times and writes what it cost to descriptor 3: the medians of wall and CPU time in
   microseconds, and the highest resident memory in KiB.

       measure RUNS COMMAND [ARGUMENT...]   3>RESULT

   Standard input and output, where they are files, are the same for each run. It is a small program so that its own
   memory, which the kernel counts to a child's until that begins, is none. */
#define _GNU_SOURCE
#include <errno.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { MOST = 1000 };

static int ascending(const void *a, const void *b) {
  long x = *(const long *)a, y = *(const long *)b;
  return (x > y) - (x < y);
}

static long median(long *values, int count) {
  qsort(values, count, sizeof *values, ascending);
  return values[count / 2];
}

static long microseconds(struct timeval time) { return time.tv_sec * 1000000L + time.tv_usec; }

int main(int count, char **words) {
  static long wall[MOST], cpu[MOST];
  long memory = 0;
  int runs = count > 2 ? atoi(words[1]) : 0;
  if (runs < 1 || runs > MOST) return 64;
  for (int run = 0; run < runs; run++) {
    lseek(STDIN_FILENO, 0, SEEK_SET);
    if (ftruncate(STDOUT_FILENO, 0) == 0) lseek(STDOUT_FILENO, 0, SEEK_SET);
    struct timespec start, end;
    clock_gettime(CLOCK_MONOTONIC, &start);
    pid_t child;
    if (posix_spawnp(&child, words[2], NULL, NULL, words + 2, environ) != 0) {
      fprintf(stderr, "measure: there is no %s\n", words[2]);
      return 127;
    }
    int status;
    struct rusage used;
    while (wait4(child, &status, 0, &used) < 0)
      if (errno != EINTR) return 71;
    clock_gettime(CLOCK_MONOTONIC, &end);
    if (status != 0) {
      fprintf(stderr, "measure: %s has failed, status %#x\n", words[2], status);
      return 1;
    }
    wall[run] = (end.tv_sec - start.tv_sec) * 1000000L + (end.tv_nsec - start.tv_nsec) / 1000;
    cpu[run] = microseconds(used.ru_utime) + microseconds(used.ru_stime);
    if (used.ru_maxrss > memory) memory = used.ru_maxrss;
  }
  return dprintf(3, "%ld %ld %ld\n", median(wall, runs), median(cpu, runs), memory) < 0;
}
