// What Swift's Glibc module leaves out: it is made without _GNU_SOURCE.
#pragma once
#include <elf.h>
#include <link.h>
#include <pty.h>
#include <signal.h>
#include <spawn.h>
#include <sys/auxv.h>
#include <sys/pidfd.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>

#ifndef POSIX_SPAWN_SETSID
#define POSIX_SPAWN_SETSID 0x80
#endif

extern int pipe2(int descriptors[2], int flags);
extern int posix_spawn_file_actions_addchdir_np(posix_spawn_file_actions_t *actions, const char *path);

typedef ElfW(Phdr) program_header;
typedef ElfW(Nhdr) note_header;

// Variadic functions are not imported.
static inline int set_not_dumpable(void) { return prctl(PR_SET_DUMPABLE, 0, 0, 0, 0); }

extern char **environ;
// A function, as Swift does not let a mutable global through.
static inline char **process_environment(void) { return environ; }

// The first argument where the kernel has put it, which others on the machine can read; the others follow it.
extern char *program_invocation_name;
static inline char *process_arguments(void) { return program_invocation_name; }
