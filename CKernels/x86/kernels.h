// SPDX-License-Identifier: Apache-2.0
// The kernels of x86-64, in ascending order of their levels. See common/kernels.h.
RN_KERNEL(RN_ISA_SSE42, conv_q8, rn_conv_q8_sse42)
RN_KERNEL(RN_ISA_SSE42, winograd_q8, rn_winograd_q8_sse42)
RN_KERNEL(RN_ISA_SSE42, peak_q8, rn_peak_q8_sse42)

RN_KERNEL(RN_ISA_AVX2, conv_q8, rn_conv_q8_avx2)
RN_KERNEL(RN_ISA_AVX2, winograd_q8, rn_winograd_q8_avx2)
RN_KERNEL(RN_ISA_AVX2, conv_f32, rn_conv_f32_avx2)
RN_KERNEL(RN_ISA_AVX2, conv_f16, rn_conv_f16_avx2)
RN_KERNEL(RN_ISA_AVX2, winograd_f32, rn_winograd_f32_avx2)
RN_KERNEL(RN_ISA_AVX2, winograd_f16, rn_winograd_f16_avx2)
RN_KERNEL(RN_ISA_AVX2, linear_q8, rn_linear_q8_avx2)
RN_KERNEL(RN_ISA_AVX2, dequantize, rn_dequantize_avx2)
RN_KERNEL(RN_ISA_AVX2, quantize, rn_quantize_avx2)
RN_KERNEL(RN_ISA_AVX2, peak_q8, rn_peak_q8_avx2)
RN_KERNEL(RN_ISA_AVX2, peak_f32, rn_peak_f32_avx2)

// The 256-bit VPDPBUSD and VPDPWSSD have two encodings, and most CPUs have one of them. With both,
// the VEX encoding is taken.
RN_KERNEL_IF(rn_has_evex_dot, RN_ISA_AVXVNNI, conv_q8, rn_conv_q8_avx512vl)
RN_KERNEL_IF(rn_has_evex_dot, RN_ISA_AVXVNNI, winograd_q8, rn_winograd_q8_avx512vl)
RN_KERNEL_IF(rn_has_evex_dot, RN_ISA_AVXVNNI, coded_q8, rn_coded_q8_avx512vl)
RN_KERNEL_IF(rn_has_evex_dot, RN_ISA_AVXVNNI, peak_q8, rn_peak_q8_avx512vl)
RN_KERNEL_IF(rn_has_vex_dot, RN_ISA_AVXVNNI, conv_q8, rn_conv_q8_avxvnni)
RN_KERNEL_IF(rn_has_vex_dot, RN_ISA_AVXVNNI, winograd_q8, rn_winograd_q8_avxvnni)
RN_KERNEL_IF(rn_has_vex_dot, RN_ISA_AVXVNNI, coded_q8, rn_coded_q8_avxvnni)
RN_KERNEL_IF(rn_has_vex_dot, RN_ISA_AVXVNNI, peak_q8, rn_peak_q8_avxvnni)

RN_KERNEL(RN_ISA_AVX512VNNI, conv_q8, rn_conv_q8_avx512vnni)
RN_KERNEL(RN_ISA_AVX512VNNI, winograd_q8, rn_winograd_q8_avx512vnni)
RN_KERNEL(RN_ISA_AVX512VNNI, coded_q8, rn_coded_q8_avx512vnni)
RN_KERNEL(RN_ISA_AVX512VNNI, conv_f32, rn_conv_f32_avx512vnni)
RN_KERNEL(RN_ISA_AVX512VNNI, conv_f16, rn_conv_f16_avx512vnni)
RN_KERNEL(RN_ISA_AVX512VNNI, winograd_f32, rn_winograd_f32_avx512vnni)
RN_KERNEL(RN_ISA_AVX512VNNI, winograd_f16, rn_winograd_f16_avx512vnni)
RN_KERNEL(RN_ISA_AVX512VNNI, peak_q8, rn_peak_q8_avx512vnni)
RN_KERNEL(RN_ISA_AVX512VNNI, peak_f32, rn_peak_f32_avx512vnni)
