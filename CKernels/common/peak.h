// SPDX-License-Identifier: Apache-2.0
// The multiply peak of a level: its multiplication in registers, without loads.
#ifndef RN_PEAK_H
#define RN_PEAK_H

#include "rn_target.h"

#if defined(__aarch64__)
#define RN_KEEP(vector) __asm__ volatile("" : "+w"(vector))
#else
#define RN_KEEP(vector) __asm__ volatile("" : "+v"(vector))
#endif

// Defines the kernel `name`: `chains` independent chains of multiply(chain, factor), more than the
// latency needs. `products` is what one multiplication counts as. An empty asm statement holds each
// vector in a register of its own and hides its value, or the compiler would fold the loop.
#define RN_PEAK(name, chain_type, factor_type, factor_value, multiply, chains, products)           \
  uint64_t name(uint64_t iterations) {                                                             \
    factor_type factor = factor_value;                                                             \
    chain_type chain[chains] = {0};                                                                \
    RN_KEEP(factor);                                                                               \
    for (uint64_t n = 0; n < iterations; n++) {                                                    \
      RN_UNROLL for (uint32_t i = 0; i < chains; i++) {                                            \
        chain[i] = multiply(chain[i], factor);                                                     \
        RN_KEEP(chain[i]);                                                                         \
      }                                                                                            \
    }                                                                                              \
    return iterations * chains * products;                                                         \
  }

#endif
