// SPDX-License-Identifier: Apache-2.0
// CPU detection and the kernel table.
#include "../common/rn_declarations.h"
#include <string.h>
#if defined(__aarch64__)
#include <asm/hwcap.h>
#include <sys/auxv.h>
#endif

static const struct {
  rn_isa isa;
  const char *name;
} levels[] = {
    {RN_ISA_REF, "ref"},
#if defined(__x86_64__)
    {RN_ISA_SSE42, "sse42"},     {RN_ISA_AVX2, "avx2"},
    {RN_ISA_AVXVNNI, "avxvnni"}, {RN_ISA_AVX512VNNI, "avx512vnni"},
#elif defined(__aarch64__)
    {RN_ISA_NEON, "neon"},         {RN_ISA_NEONDOT, "neondot"},
    {RN_ISA_NEONFP16, "neonfp16"}, {RN_ISA_I8MM, "i8mm"},
#endif
};
enum { level_count = sizeof levels / sizeof levels[0] };

const char *rn_isa_name(rn_isa isa) {
  for (int i = 0; i < level_count; i++)
    if (levels[i].isa == isa)
      return levels[i].name;
  return "unknown";
}

int rn_isa_from_name(const char *name, rn_isa *isa) {
  for (int i = 0; i < level_count; i++) {
    if (strcmp(levels[i].name, name) == 0) {
      *isa = levels[i].isa;
      return 0;
    }
  }
  return -1;
}

#if defined(__x86_64__)
// These builtins also ask whether the system saves the wide registers.
static int rn_has_vex_dot(void) {
  __builtin_cpu_init();
  return __builtin_cpu_supports("avxvnni") != 0;
}

static int rn_has_evex_dot(void) {
  __builtin_cpu_init();
  return __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512vnni");
}
#endif

rn_isa rn_isa_detect(void) {
#if defined(__x86_64__)
  __builtin_cpu_init();
  // A level has the kernels of those below.
  const int has_avx2 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") &&
                       __builtin_cpu_supports("f16c");
  if (has_avx2 && rn_has_evex_dot() && __builtin_cpu_supports("avx512f") &&
      __builtin_cpu_supports("avx512bw"))
    return RN_ISA_AVX512VNNI;
  if (has_avx2)
    return rn_has_vex_dot() || rn_has_evex_dot() ? RN_ISA_AVXVNNI : RN_ISA_AVX2;
  return __builtin_cpu_supports("sse4.2") ? RN_ISA_SSE42 : RN_ISA_REF;
#elif defined(__aarch64__)
  if (!(getauxval(AT_HWCAP) & HWCAP_ASIMDDP))
    return RN_ISA_NEON;
  if (!(getauxval(AT_HWCAP) & HWCAP_ASIMDHP))
    return RN_ISA_NEONDOT;
  return getauxval(AT_HWCAP2) & HWCAP2_I8MM ? RN_ISA_I8MM : RN_ISA_NEONFP16;
#else
  return RN_ISA_REF;
#endif
}

static const rn_kernel list[] = {
#define RN_KERNEL(level, slot, function) RN_KERNEL_IF(0, level, slot, function)
#define RN_KERNEL_IF(condition, level, slot, function)                                             \
  {#function, #slot, level, offsetof(rn_kernels, slot), (void (*)(void))function, condition},
#include "../common/kernels.h"
};
enum { list_count = sizeof list / sizeof list[0] };

const rn_kernel *rn_kernel_list(size_t *count) {
  *count = list_count;
  return list;
}

const rn_kernel *rn_kernel_find(void (*function)(void)) {
  for (const rn_kernel *kernel = list; kernel < list + list_count; kernel++)
    if (kernel->function == function)
      return kernel;
  return 0;
}

void rn_kernels_init(rn_kernels *kernels, rn_isa cap) {
  // Every level of AArch64 multiplies signed by signed.
  *kernels = (rn_kernels){.activation_flip = cap >= RN_ISA_NEON ? 0x80 : 0};
  for (const rn_kernel *kernel = list; kernel < list + list_count; kernel++)
    if (kernel->isa <= cap && (!kernel->is_supported || kernel->is_supported()))
      memcpy((char *)kernels + kernel->offset, &kernel->function, sizeof kernel->function);
  // Where there is no fp16 arithmetic.
  if (!kernels->conv_f16acc16)
    kernels->conv_f16acc16 = kernels->conv_f16;
  if (!kernels->winograd_f16acc16)
    kernels->winograd_f16acc16 = kernels->winograd_f16;
}
