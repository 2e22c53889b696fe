// SPDX-License-Identifier: Apache-2.0
#define _GNU_SOURCE
#include "rn_cpus.h"
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static cpu_set_t allowed_cpus(void) {
  cpu_set_t allowed;
  CPU_ZERO(&allowed);
  if (sched_getaffinity(0, sizeof allowed, &allowed) != 0)
    CPU_SET(0, &allowed);
  return allowed;
}

uint32_t rn_cpu_count(void) {
  const cpu_set_t allowed = allowed_cpus();
  return (uint32_t)CPU_COUNT(&allowed);
}

bool rn_cpu_is_allowed(uint32_t cpu) {
  const cpu_set_t before = allowed_cpus();
  // The mask may be a wish of the caller's, such as taskset's: what counts is the kernel's word.
  const bool is_allowed = rn_cpu_bind(cpu) == 0;
  sched_setaffinity(0, sizeof before, &before);
  return is_allowed;
}

int rn_cpu_bind(uint32_t cpu) {
  cpu_set_t one;
  CPU_ZERO(&one);
  if (cpu >= CPU_SETSIZE)
    return EINVAL;
  CPU_SET(cpu, &one);
  return sched_setaffinity(0, sizeof one, &one) == 0 ? 0 : errno;
}

// The start of a file as text, empty if it cannot be read.
static void read_text(const char *path, char *text, size_t size) {
  text[0] = 0;
  const int file = open(path, O_RDONLY | O_CLOEXEC);
  if (file < 0)
    return;
  const ssize_t count = read(file, text, size - 1);
  text[count > 0 ? count : 0] = 0;
  close(file);
}

// The number at the start of a file of a CPU; `otherwise` if there is none.
static long long cpu_number(const char *root, int cpu, const char *name, long long otherwise) {
  char path[512], text[64], *end;
  snprintf(path, sizeof path, "%s/sys/devices/system/cpu/cpu%d/%s", root, cpu, name);
  read_text(path, text, sizeof text);
  const long long number = strtoll(text, &end, 10);
  return end == text || number < 0 || number > 1LL << 40 ? otherwise : number;
}

// The fast cores by a file of each CPU, or by none; 0 if an allowed CPU lacks it.
static uint32_t fast_cores(const char *root, const cpu_set_t *allowed, const char *speed_name) {
  long long fastest = 0;
  for (int cpu = 0; cpu < CPU_SETSIZE; cpu++) {
    if (!CPU_ISSET(cpu, allowed))
      continue;
    const long long speed = speed_name ? cpu_number(root, cpu, speed_name, 0) : 1;
    if (speed == 0)
      return 0;
    fastest = speed > fastest ? speed : fastest;
  }
  uint32_t cores = 0;
  cpu_set_t counted;
  CPU_ZERO(&counted);
  for (int cpu = 0; cpu < CPU_SETSIZE; cpu++) {
    if (!CPU_ISSET(cpu, allowed))
      continue;
    // The first hardware thread stands for its core, allowed or not.
    const long long first = cpu_number(root, cpu, "topology/thread_siblings_list", cpu);
    const long long speed = speed_name ? cpu_number(root, cpu, speed_name, 0) : 1;
    if (4 * speed < 3 * fastest || first >= CPU_SETSIZE || CPU_ISSET((int)first, &counted))
      continue;
    CPU_SET((int)first, &counted);
    cores++;
  }
  return cores;
}

// The number at the start of a file of a control group; 0 if there is none, -1 for "max".
static long long group_number(const char *root, const char *mount, const char *group,
                              const char *name, long long *second) {
  char path[4400], text[64];
  snprintf(path, sizeof path, "%s/sys/fs/cgroup%s%s/%s", root, mount, group, name);
  read_text(path, text, sizeof text);
  long long first = 0;
  sscanf(text, "%lld %lld", &first, second);
  return first;
}

// The CPUs that the quotas of a control group and of those around it come to, rounded up, or
// UINT32_MAX. `mount` is where version 1 has its controller, "" for version 2.
static uint32_t group_cpus(const char *root, const char *mount, char *group) {
  uint32_t granted = UINT32_MAX;
  for (;;) {
    long long period = 0, quota;
    if (*mount) {
      quota = group_number(root, mount, group, "cpu.cfs_quota_us", &period);
      period = group_number(root, mount, group, "cpu.cfs_period_us", &period);
    } else {
      quota = group_number(root, mount, group, "cpu.max", &period);
    }
    if (quota > 0 && quota < 1LL << 40 && period > 0) {
      const long long cpus = (quota - 1) / period + 1;
      granted = cpus < granted ? (uint32_t)cpus : granted;
    }
    char *parent = strrchr(group, '/');
    if (!parent)
      return granted;
    *parent = 0;
  }
}

// Whether the controllers, parted by commas, are version 2's, which are none, or have "cpu" in
// them.
static bool has_cpu(const char *controllers) {
  for (const char *name = controllers; *controllers; name = strchr(name, ',') + 1) {
    if (strncmp(name, "cpu", 3) == 0 && (name[3] == ',' || name[3] == 0))
      return true;
    if (!strchr(name, ','))
      return false;
  }
  return true;
}

// The CPUs that the process's control groups of both versions come to, or UINT32_MAX.
static uint32_t granted_cpus(const char *root) {
  char path[512], text[8192];
  snprintf(path, sizeof path, "%s/proc/self/cgroup", root);
  read_text(path, text, sizeof text);
  uint32_t granted = UINT32_MAX;
  // Lines of hierarchy:controllers:group.
  for (char *line = text, *rest = 0; (line = strtok_r(line, "\n", &rest)); line = 0) {
    char *controllers = strchr(line, ':'), *group;
    if (!controllers || !(group = strchr(++controllers, ':')))
      continue;
    *group++ = 0;
    if (strlen(group) > 2048 || !has_cpu(controllers))
      continue;
    char copy[2049];
    // Version 1 is mounted under its controllers' names or linked as cpu.
    const uint32_t cpus = group_cpus(root, *controllers ? "/cpu" : "", strcpy(copy, group));
    granted = cpus < granted ? cpus : granted;
  }
  return granted;
}

uint32_t rn_fast_core_count(const char *root) {
  const cpu_set_t allowed = allowed_cpus();
  uint32_t cores = fast_cores(root, &allowed, "cpu_capacity");
  if (cores == 0)
    cores = fast_cores(root, &allowed, "cpufreq/cpuinfo_max_freq");
  if (cores == 0)
    cores = fast_cores(root, &allowed, 0);
  const uint32_t granted = granted_cpus(root);
  return cores < granted ? cores : granted;
}
