// SPDX-License-Identifier: Apache-2.0
// Multiply peak of AVX-512 VNNI in 256 bits, the EVEX encoding of VPDPBUSD, in registers, without
// loads. Twin: ref/peak_ref.c
#if defined(__x86_64__)
#include "../common/rn_target.h"
#include <immintrin.h>

RN_TARGET_PUSH("avx2,fma,avx512f,avx512vl,avx512vnni")

#define RN_DOT256(sums, pixels, weights) _mm256_dpbusd_epi32(sums, pixels, weights)
#include "peak_dot256.h"

uint64_t rn_peak_q8_avx512vl(uint64_t iterations) { return peak_q8_dot256(iterations); }

RN_TARGET_POP
#endif
