//===- BncKernelOps.td - what phase `kernels` adds --------------------------===//

#ifndef BNC_KERNEL_OPS_TD
#define BNC_KERNEL_OPS_TD

include "ir/BncBase.td"

#endif // BNC_KERNEL_OPS_TD
