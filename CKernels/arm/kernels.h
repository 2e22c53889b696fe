// SPDX-License-Identifier: Apache-2.0
// The kernels of AArch64, in ascending order of their levels. See common/kernels.h.
RN_KERNEL(RN_ISA_NEON, conv_q8, rn_conv_q8_neon)
RN_KERNEL(RN_ISA_NEON, winograd_q8, rn_winograd_q8_neon)
RN_KERNEL(RN_ISA_NEON, coded_q8, rn_coded_q8_neon)
RN_KERNEL(RN_ISA_NEON, conv_f32, rn_conv_f32_neon)
RN_KERNEL(RN_ISA_NEON, conv_f16, rn_conv_f16_neon)
RN_KERNEL(RN_ISA_NEON, winograd_f32, rn_winograd_f32_neon)
RN_KERNEL(RN_ISA_NEON, winograd_f16, rn_winograd_f16_neon)
RN_KERNEL(RN_ISA_NEON, maxpool_q8, rn_maxpool_q8_neon)
RN_KERNEL(RN_ISA_NEON, maxpool_f32, rn_maxpool_f32_neon)
RN_KERNEL(RN_ISA_NEON, avgpool_q8, rn_avgpool_q8_neon)
RN_KERNEL(RN_ISA_NEON, linear_q8, rn_linear_q8_neon)
RN_KERNEL(RN_ISA_NEON, dequantize, rn_dequantize_neon)
RN_KERNEL(RN_ISA_NEON, quantize, rn_quantize_neon)
RN_KERNEL(RN_ISA_NEON, input_q8, rn_input_q8_neon)
RN_KERNEL(RN_ISA_NEON, peak_q8, rn_peak_q8_neon)
RN_KERNEL(RN_ISA_NEON, peak_f32, rn_peak_f32_neon)

RN_KERNEL(RN_ISA_NEONDOT, conv_q8, rn_conv_q8_neondot)
RN_KERNEL(RN_ISA_NEONDOT, coded_q8, rn_coded_q8_neondot)
RN_KERNEL(RN_ISA_NEONDOT, peak_q8, rn_peak_q8_neondot)

RN_KERNEL(RN_ISA_NEONFP16, conv_f16acc16, rn_conv_f16acc16_neonfp16)
RN_KERNEL(RN_ISA_NEONFP16, winograd_f16acc16, rn_winograd_f16acc16_neonfp16)

RN_KERNEL(RN_ISA_I8MM, conv_q8, rn_conv_q8_i8mm)
RN_KERNEL(RN_ISA_I8MM, coded_q8, rn_coded_q8_i8mm)
RN_KERNEL(RN_ISA_I8MM, peak_q8, rn_peak_q8_i8mm)
