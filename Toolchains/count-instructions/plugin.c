// SPDX-License-Identifier: Apache-2.0
// QEMU user-mode plugin: counts executed guest instructions by function and prints the table on
// standard error at exit. Built by Toolchains/count-instructions/run.
//
// Debian's QEMU 7.2 comes without its header, so what is needed of the plugin interface, version 1,
// is declared here after https://www.qemu.org/docs/master/devel/tcg-plugins.html.
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct qemu_plugin_tb;
struct qemu_plugin_insn;
enum { inline_add = 0 };
void qemu_plugin_register_vcpu_tb_trans_cb(uint64_t id,
                                           void (*callback)(uint64_t, struct qemu_plugin_tb *));
void qemu_plugin_register_vcpu_tb_exec_inline(struct qemu_plugin_tb *block, int operation,
                                              void *counter, uint64_t value);
size_t qemu_plugin_tb_n_insns(const struct qemu_plugin_tb *block);
struct qemu_plugin_insn *qemu_plugin_tb_get_insn(const struct qemu_plugin_tb *block, size_t index);
const char *qemu_plugin_insn_symbol(const struct qemu_plugin_insn *instruction);
void qemu_plugin_register_atexit_cb(uint64_t id, void (*callback)(uint64_t, void *), void *data);

#define EXPORT __attribute__((visibility("default")))
EXPORT int qemu_plugin_version = 1;

enum { functions_limit = 4096 };
static struct function {
  const char *name;
  uint64_t executed;
} functions[functions_limit];

// The entry of a function; the last one collects what has no name or no room.
static struct function *find(const char *name) {
  struct function *f = functions;
  if (!name)
    name = "(without a symbol)";
  while (f < functions + functions_limit - 1 && f->name && strcmp(f->name, name) != 0)
    f++;
  if (!f->name)
    f->name = strdup(name);
  return f;
}

static void translate(uint64_t id, struct qemu_plugin_tb *block) {
  (void)id;
  const char *name = qemu_plugin_insn_symbol(qemu_plugin_tb_get_insn(block, 0));
  qemu_plugin_register_vcpu_tb_exec_inline(block, inline_add, &find(name)->executed,
                                           qemu_plugin_tb_n_insns(block));
}

static void print(uint64_t id, void *data) {
  (void)id, (void)data;
  for (struct function *f = functions; f < functions + functions_limit && f->name; f++)
    fprintf(stderr, "count %llu %s\n", (unsigned long long)f->executed, f->name);
}

EXPORT int qemu_plugin_install(uint64_t id, const void *info, int count, char **arguments) {
  (void)info, (void)count, (void)arguments;
  qemu_plugin_register_vcpu_tb_trans_cb(id, translate);
  qemu_plugin_register_atexit_cb(id, print, 0);
  return 0;
}
