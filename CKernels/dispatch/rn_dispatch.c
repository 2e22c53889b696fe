// SPDX-License-Identifier: Apache-2.0
// CPU detection and the kernel table.
#include "rn_kernels.h"
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

rn_isa rn_isa_detect(void) {
#if defined(__x86_64__)
  // These builtins also ask whether the system saves the wide registers.
  __builtin_cpu_init();
  // A level has the kernels of those below.
  const int has_avx2 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") &&
                       __builtin_cpu_supports("f16c");
  const int has_evex = __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512vnni");
  if (has_avx2 && has_evex && __builtin_cpu_supports("avx512f") &&
      __builtin_cpu_supports("avx512bw"))
    return RN_ISA_AVX512VNNI;
  if (has_avx2)
    return __builtin_cpu_supports("avxvnni") || has_evex ? RN_ISA_AVXVNNI : RN_ISA_AVX2;
  if (__builtin_cpu_supports("sse4.2"))
    return RN_ISA_SSE42;
  return RN_ISA_REF;
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

void rn_kernels_init(rn_kernels *kernels, rn_isa cap) {
  *kernels = (rn_kernels){
      .conv_q8 = rn_conv_q8_ref,
      .winograd_q8 = rn_winograd_q8_ref,
      .conv_f32 = rn_conv_f32_ref,
      .conv_f16 = rn_conv_f16_ref,
      .winograd_f16 = rn_winograd_f16_ref,
      .maxpool_q8 = rn_maxpool_q8_ref,
      .maxpool_f32 = rn_maxpool_f32_ref,
      .avgpool_q8 = rn_avgpool_q8_ref,
      .avgpool_f32 = rn_avgpool_f32_ref,
      .linear_q8 = rn_linear_q8_ref,
      .dequantize = rn_dequantize_ref,
      .quantize = rn_quantize_ref,
      .input_q8 = rn_input_q8_ref,
      .input_f32 = rn_input_f32_ref,
      .softmax_f32 = rn_softmax_f32_ref,
      .peak_q8 = rn_peak_q8_ref,
      .peak_f32 = rn_peak_f32_ref,
  };
#if defined(__x86_64__)
  if (cap >= RN_ISA_SSE42) {
    rn_kernels_init_sse42(kernels);
    rn_kernels_init_winograd_sse42(kernels);
    rn_kernels_init_peak_sse42(kernels);
  }
  if (cap >= RN_ISA_AVX2) {
    rn_kernels_init_avx2(kernels);
    rn_kernels_init_avx2fma(kernels);
    rn_kernels_init_convert_avx2(kernels);
    rn_kernels_init_linear_avx2(kernels);
    rn_kernels_init_winograd_avx2(kernels);
    rn_kernels_init_conv_f16_avx2(kernels);
    rn_kernels_init_winograd_f16_avx2(kernels);
    rn_kernels_init_peak_avx2(kernels);
  }
  if (cap >= RN_ISA_AVXVNNI) {
    // VPDPBUSD of 256 bits has two encodings, and most CPUs have only one of them.
    __builtin_cpu_init();
    if (__builtin_cpu_supports("avxvnni")) {
      rn_kernels_init_avxvnni(kernels);
      rn_kernels_init_peak_avxvnni(kernels);
    } else {
      rn_kernels_init_avx512vl(kernels);
      rn_kernels_init_peak_avx512vl(kernels);
    }
  }
  if (cap >= RN_ISA_AVX512VNNI) {
    rn_kernels_init_avx512(kernels);
    rn_kernels_init_avx512vnni(kernels);
    rn_kernels_init_winograd_avx512vnni(kernels);
    rn_kernels_init_conv_f16_avx512(kernels);
    rn_kernels_init_winograd_f16_avx512(kernels);
    rn_kernels_init_peak_avx512vnni(kernels);
  }
#elif defined(__aarch64__)
  if (cap >= RN_ISA_NEON) {
    rn_kernels_init_activations_neon(kernels);
    rn_kernels_init_conv_q8_neon(kernels);
    rn_kernels_init_conv_f16_neon(kernels);
    rn_kernels_init_conv_f32_neon(kernels);
    rn_kernels_init_convert_neon(kernels);
    rn_kernels_init_linear_neon(kernels);
    rn_kernels_init_winograd_f16_neon(kernels);
    rn_kernels_init_winograd_neon(kernels);
    rn_kernels_init_peak_neon(kernels);
  }
  if (cap >= RN_ISA_NEONDOT) {
    rn_kernels_init_conv_q8_neondot(kernels);
    rn_kernels_init_peak_neondot(kernels);
  }
  if (cap >= RN_ISA_NEONFP16) {
    rn_kernels_init_conv_f16_neonfp16(kernels);
    rn_kernels_init_winograd_f16_neonfp16(kernels);
  }
  if (cap >= RN_ISA_I8MM) {
    rn_kernels_init_conv_q8_i8mm(kernels);
    rn_kernels_init_peak_i8mm(kernels);
  }
#endif
  // Where there is no fp16 arithmetic.
  if (!kernels->conv_f16acc16)
    kernels->conv_f16acc16 = kernels->conv_f16;
  if (!kernels->winograd_f16acc16)
    kernels->winograd_f16acc16 = kernels->winograd_f16;
}
