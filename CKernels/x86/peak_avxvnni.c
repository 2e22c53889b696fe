// SPDX-License-Identifier: Apache-2.0
// Multiply peak of AVX-VNNI, the VEX encoding of VPDPBUSD, in registers, without
// loads. Twin: ref/peak_ref.c
#if defined(__x86_64__)
#include "../common/rn_target.h"
#include <immintrin.h>

RN_TARGET_PUSH("avx2,fma,avxvnni")

#define RN_DOT256(sums, pixels, weights) _mm256_dpbusd_avx_epi32(sums, pixels, weights)
#include "peak_dot256.h"

uint64_t rn_peak_q8_avxvnni(uint64_t iterations) { return peak_q8_dot256(iterations); }

RN_TARGET_POP
#endif
