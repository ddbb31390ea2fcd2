// Backward forms values of the forward pass again from what it keeps anyway, where it reads little more for that.
// RUN: bnc-opt %s --bnc-recompute --split-input-file | FileCheck %s

bnc.variable params @n : tensor<3x8xf32>

// A chain of residual sums. A kernel of backward that reads a sum reads what was added last, too. The first sum is formed
// again there; the second one stays in memory, since backward does not keep the first; the third is formed from the second.
// CHECK-LABEL: @chain
bnc.graph training @chain(%x: tensor<?x8x4x4xf32>) -> tensor<?x8x4x4xf32> {
  // CHECK: %[[C:.*]] = bnc.read
  %n = bnc.read @n : tensor<3x8xf32>
  %y1 = bnc.kernel images(1) (%a = %x) {chains = 0 : i64} : (tensor<?x8x4x4xf32>) -> tensor<?x8x4x4xf32> {
    %0 = bnc.transpose %a {permutation = array<i64: 0, 1, 3, 2>} : (tensor<?x8x4x4xf32>) -> tensor<?x8x4x4xf32>
    bnc.yield %0 : tensor<?x8x4x4xf32>
  }
  %y2 = bnc.kernel images(1) (%a = %x) {chains = 0 : i64} : (tensor<?x8x4x4xf32>) -> tensor<?x8x4x4xf32> {
    %0 = bnc.transpose %a {permutation = array<i64: 0, 1, 3, 2>} : (tensor<?x8x4x4xf32>) -> tensor<?x8x4x4xf32>
    bnc.yield %0 : tensor<?x8x4x4xf32>
  }
  %y3 = bnc.kernel images(1) (%a = %x) {chains = 0 : i64} : (tensor<?x8x4x4xf32>) -> tensor<?x8x4x4xf32> {
    %0 = bnc.transpose %a {permutation = array<i64: 0, 1, 3, 2>} : (tensor<?x8x4x4xf32>) -> tensor<?x8x4x4xf32>
    bnc.yield %0 : tensor<?x8x4x4xf32>
  }
  // CHECK: %[[Y1:.*]] = bnc.kernel {{.*}} = %arg0)
  // CHECK: %[[Y2:.*]] = bnc.kernel {{.*}} = %arg0)
  // CHECK: %[[Y3:.*]] = bnc.kernel {{.*}} = %arg0)
  // CHECK: %[[S1:.*]] = bnc.kernel {{.*}} = %[[Y1]], {{.*}} = %[[C]], {{.*}} = %arg0)
  %s1 = bnc.kernel images(1) (%a = %y1, %b = %n, %c = %x) {chains = 0 : i64} : (tensor<?x8x4x4xf32>, tensor<3x8xf32>, tensor<?x8x4x4xf32>) -> tensor<?x8x4x4xf32> {
    %0 = bnc.apply_normalize %a, %b : tensor<?x8x4x4xf32>, tensor<3x8xf32>
    %1 = bnc.relu %c : tensor<?x8x4x4xf32>
    %2 = bnc.add %0, %1 : (tensor<?x8x4x4xf32>, tensor<?x8x4x4xf32>) -> tensor<?x8x4x4xf32>
    bnc.yield %2 : tensor<?x8x4x4xf32>
  }
  // CHECK: %[[S2:.*]] = bnc.kernel {{.*}} = %[[Y2]], {{.*}} = %[[C]], {{.*}} = %[[S1]])
  %s2 = bnc.kernel images(1) (%a = %y2, %b = %n, %c = %s1) {chains = 0 : i64} : (tensor<?x8x4x4xf32>, tensor<3x8xf32>, tensor<?x8x4x4xf32>) -> tensor<?x8x4x4xf32> {
    %0 = bnc.apply_normalize %a, %b : tensor<?x8x4x4xf32>, tensor<3x8xf32>
    %1 = bnc.relu %c : tensor<?x8x4x4xf32>
    %2 = bnc.add %0, %1 : (tensor<?x8x4x4xf32>, tensor<?x8x4x4xf32>) -> tensor<?x8x4x4xf32>
    bnc.yield %2 : tensor<?x8x4x4xf32>
  }
  // CHECK: %[[S3:.*]] = bnc.kernel {{.*}} = %[[Y3]], {{.*}} = %[[C]], {{.*}} = %[[S2]])
  %s3 = bnc.kernel images(1) (%a = %y3, %b = %n, %c = %s2) {chains = 0 : i64} : (tensor<?x8x4x4xf32>, tensor<3x8xf32>, tensor<?x8x4x4xf32>) -> tensor<?x8x4x4xf32> {
    %0 = bnc.apply_normalize %a, %b : tensor<?x8x4x4xf32>, tensor<3x8xf32>
    %1 = bnc.relu %c : tensor<?x8x4x4xf32>
    %2 = bnc.add %0, %1 : (tensor<?x8x4x4xf32>, tensor<?x8x4x4xf32>) -> tensor<?x8x4x4xf32>
    bnc.yield %2 : tensor<?x8x4x4xf32>
  }
  // CHECK: %[[L:.*]] = bnc.kernel {{.*}} = %[[S3]])
  %l = bnc.kernel images(1) (%a = %s3) {chains = 0 : i64} : (tensor<?x8x4x4xf32>) -> tensor<?x8x4x4xf32> {
    %0 = bnc.exp %a : tensor<?x8x4x4xf32>
    bnc.yield %0 : tensor<?x8x4x4xf32>
  }
  // CHECK: %[[G3:.*]] = bnc.kernel images(1) (%[[G:[a-z0-9]+]] = %[[L]], %[[Y:[a-z0-9]+]] = %[[Y3]], %[[P:[a-z0-9]+]] = %[[S2]], %[[N:[a-z0-9]+]] = %[[C]])
  // CHECK-NEXT: %[[A:.*]] = bnc.apply_normalize %[[Y]], %[[N]]
  // CHECK-NEXT: %[[R:.*]] = bnc.relu %[[P]]
  // CHECK-NEXT: %[[S:.*]] = bnc.add %[[A]], %[[R]]
  // CHECK-NEXT: bnc.activation_gradient "relu", %[[G]], %[[S]]
  %g3 = bnc.kernel images(1) (%a = %l, %b = %s3, %c = %y3) {chains = 0 : i64} : (tensor<?x8x4x4xf32>, tensor<?x8x4x4xf32>, tensor<?x8x4x4xf32>) -> tensor<?x8x4x4xf32> {
    %0 = bnc.activation_gradient "relu", %a, %b {} : (tensor<?x8x4x4xf32>, tensor<?x8x4x4xf32>) -> tensor<?x8x4x4xf32>
    %1 = bnc.mul %0, %c : (tensor<?x8x4x4xf32>, tensor<?x8x4x4xf32>) -> tensor<?x8x4x4xf32>
    bnc.yield %1 : tensor<?x8x4x4xf32>
  }
  // CHECK: %[[G2:.*]] = bnc.kernel {{.*}} = %[[G3]], {{.*}} = %[[S2]], {{.*}} = %[[Y2]])
  // CHECK-NEXT: bnc.activation_gradient
  %g2 = bnc.kernel images(1) (%a = %g3, %b = %s2, %c = %y2) {chains = 0 : i64} : (tensor<?x8x4x4xf32>, tensor<?x8x4x4xf32>, tensor<?x8x4x4xf32>) -> tensor<?x8x4x4xf32> {
    %0 = bnc.activation_gradient "relu", %a, %b {} : (tensor<?x8x4x4xf32>, tensor<?x8x4x4xf32>) -> tensor<?x8x4x4xf32>
    %1 = bnc.mul %0, %c : (tensor<?x8x4x4xf32>, tensor<?x8x4x4xf32>) -> tensor<?x8x4x4xf32>
    bnc.yield %1 : tensor<?x8x4x4xf32>
  }
  // CHECK: bnc.kernel {{.*}} = %[[G2]], {{.*}} = %[[Y1]], {{.*}} = %arg0, {{.*}} = %[[C]])
  // CHECK-NEXT: bnc.apply_normalize
  // CHECK-NEXT: bnc.relu
  // CHECK-NEXT: bnc.add
  // CHECK-NEXT: bnc.activation_gradient
  %g1 = bnc.kernel images(1) (%a = %g2, %b = %s1, %c = %y1) {chains = 0 : i64} : (tensor<?x8x4x4xf32>, tensor<?x8x4x4xf32>, tensor<?x8x4x4xf32>) -> tensor<?x8x4x4xf32> {
    %0 = bnc.activation_gradient "relu", %a, %b {} : (tensor<?x8x4x4xf32>, tensor<?x8x4x4xf32>) -> tensor<?x8x4x4xf32>
    %1 = bnc.mul %0, %c : (tensor<?x8x4x4xf32>, tensor<?x8x4x4xf32>) -> tensor<?x8x4x4xf32>
    bnc.yield %1 : tensor<?x8x4x4xf32>
  }
  // The gradients of the normalizations, which keep what they read.
  %d0 = bnc.kernel images(1) (%a = %g1, %b = %y3) {chains = 0 : i64} : (tensor<?x8x4x4xf32>, tensor<?x8x4x4xf32>) -> tensor<?x8x4x4xf32> {
    %0 = bnc.mul %a, %b : (tensor<?x8x4x4xf32>, tensor<?x8x4x4xf32>) -> tensor<?x8x4x4xf32>
    bnc.yield %0 : tensor<?x8x4x4xf32>
  }
  %d1 = bnc.kernel images(1) (%a = %g1, %b = %y2) {chains = 0 : i64} : (tensor<?x8x4x4xf32>, tensor<?x8x4x4xf32>) -> tensor<?x8x4x4xf32> {
    %0 = bnc.mul %a, %b : (tensor<?x8x4x4xf32>, tensor<?x8x4x4xf32>) -> tensor<?x8x4x4xf32>
    bnc.yield %0 : tensor<?x8x4x4xf32>
  }
  %d2 = bnc.kernel images(1) (%a = %g1, %b = %y1) {chains = 0 : i64} : (tensor<?x8x4x4xf32>, tensor<?x8x4x4xf32>) -> tensor<?x8x4x4xf32> {
    %0 = bnc.mul %a, %b : (tensor<?x8x4x4xf32>, tensor<?x8x4x4xf32>) -> tensor<?x8x4x4xf32>
    bnc.yield %0 : tensor<?x8x4x4xf32>
  }
  %e = bnc.kernel images(1) (%a = %g1, %b = %s2) {chains = 0 : i64} : (tensor<?x8x4x4xf32>, tensor<?x8x4x4xf32>) -> tensor<?x8x4x4xf32> {
    %0 = bnc.mul %a, %b : (tensor<?x8x4x4xf32>, tensor<?x8x4x4xf32>) -> tensor<?x8x4x4xf32>
    bnc.yield %0 : tensor<?x8x4x4xf32>
  }
  bnc.return %l : tensor<?x8x4x4xf32>
}

// -----

// Three values would be read in the place of one, by a kernel that reads none of them.
// CHECK-LABEL: @reads_more
bnc.graph training @reads_more(%x: tensor<?x8x4x4xf32>) -> tensor<?x8x4x4xf32> {
  %p = bnc.kernel images(1) (%a = %x) {chains = 0 : i64} : (tensor<?x8x4x4xf32>) -> tensor<?x8x4x4xf32> {
    %0 = bnc.transpose %a {permutation = array<i64: 0, 1, 3, 2>} : (tensor<?x8x4x4xf32>) -> tensor<?x8x4x4xf32>
    bnc.yield %0 : tensor<?x8x4x4xf32>
  }
  %q = bnc.kernel images(1) (%a = %x) {chains = 0 : i64} : (tensor<?x8x4x4xf32>) -> tensor<?x8x4x4xf32> {
    %0 = bnc.transpose %a {permutation = array<i64: 0, 1, 3, 2>} : (tensor<?x8x4x4xf32>) -> tensor<?x8x4x4xf32>
    bnc.yield %0 : tensor<?x8x4x4xf32>
  }
  %r = bnc.kernel images(1) (%a = %x) {chains = 0 : i64} : (tensor<?x8x4x4xf32>) -> tensor<?x8x4x4xf32> {
    %0 = bnc.transpose %a {permutation = array<i64: 0, 1, 3, 2>} : (tensor<?x8x4x4xf32>) -> tensor<?x8x4x4xf32>
    bnc.yield %0 : tensor<?x8x4x4xf32>
  }
  // CHECK: bnc.kernel
  // CHECK: bnc.kernel
  // CHECK: bnc.kernel
  // CHECK: %[[S:.*]] = bnc.kernel
  // CHECK-NEXT: bnc.add
  %s = bnc.kernel images(1) (%a = %p, %b = %q, %c = %r) {chains = 0 : i64} : (tensor<?x8x4x4xf32>, tensor<?x8x4x4xf32>, tensor<?x8x4x4xf32>) -> tensor<?x8x4x4xf32> {
    %0 = bnc.add %a, %b : (tensor<?x8x4x4xf32>, tensor<?x8x4x4xf32>) -> tensor<?x8x4x4xf32>
    %1 = bnc.add %0, %c : (tensor<?x8x4x4xf32>, tensor<?x8x4x4xf32>) -> tensor<?x8x4x4xf32>
    bnc.yield %1 : tensor<?x8x4x4xf32>
  }
  %l = bnc.kernel images(1) (%a = %s) {chains = 0 : i64} : (tensor<?x8x4x4xf32>) -> tensor<?x8x4x4xf32> {
    %0 = bnc.exp %a : tensor<?x8x4x4xf32>
    bnc.yield %0 : tensor<?x8x4x4xf32>
  }
  // CHECK: bnc.kernel {{.*}} = %[[S]])
  // CHECK: bnc.kernel {{.*}} = %[[S]])
  %g = bnc.kernel images(1) (%a = %l, %b = %s) {chains = 0 : i64} : (tensor<?x8x4x4xf32>, tensor<?x8x4x4xf32>) -> tensor<?x8x4x4xf32> {
    %0 = bnc.mul %a, %b : (tensor<?x8x4x4xf32>, tensor<?x8x4x4xf32>) -> tensor<?x8x4x4xf32>
    bnc.yield %0 : tensor<?x8x4x4xf32>
  }
  %h = bnc.kernel images(1) (%a = %g, %b = %p) {chains = 0 : i64} : (tensor<?x8x4x4xf32>, tensor<?x8x4x4xf32>) -> tensor<?x8x4x4xf32> {
    %0 = bnc.mul %a, %b : (tensor<?x8x4x4xf32>, tensor<?x8x4x4xf32>) -> tensor<?x8x4x4xf32>
    bnc.yield %0 : tensor<?x8x4x4xf32>
  }
  %i = bnc.kernel images(1) (%a = %h, %b = %q) {chains = 0 : i64} : (tensor<?x8x4x4xf32>, tensor<?x8x4x4xf32>) -> tensor<?x8x4x4xf32> {
    %0 = bnc.mul %a, %b : (tensor<?x8x4x4xf32>, tensor<?x8x4x4xf32>) -> tensor<?x8x4x4xf32>
    bnc.yield %0 : tensor<?x8x4x4xf32>
  }
  %j = bnc.kernel images(1) (%a = %i, %b = %r) {chains = 0 : i64} : (tensor<?x8x4x4xf32>, tensor<?x8x4x4xf32>) -> tensor<?x8x4x4xf32> {
    %0 = bnc.mul %a, %b : (tensor<?x8x4x4xf32>, tensor<?x8x4x4xf32>) -> tensor<?x8x4x4xf32>
    bnc.yield %0 : tensor<?x8x4x4xf32>
  }
  bnc.return %l : tensor<?x8x4x4xf32>
}

// -----

// Nothing in backward keeps what was added: the sum would be free, but both of them not.
// CHECK-LABEL: @not_kept
bnc.graph training @not_kept(%x: tensor<?x8x4x4xf32>) -> tensor<?x8x4x4xf32> {
  %p = bnc.kernel images(1) (%a = %x) {chains = 0 : i64} : (tensor<?x8x4x4xf32>) -> tensor<?x8x4x4xf32> {
    %0 = bnc.transpose %a {permutation = array<i64: 0, 1, 3, 2>} : (tensor<?x8x4x4xf32>) -> tensor<?x8x4x4xf32>
    bnc.yield %0 : tensor<?x8x4x4xf32>
  }
  // CHECK: bnc.kernel
  // CHECK: %[[S:.*]] = bnc.kernel
  // CHECK-NEXT: bnc.relu
  %s = bnc.kernel images(1) (%a = %p) {chains = 0 : i64} : (tensor<?x8x4x4xf32>) -> tensor<?x8x4x4xf32> {
    %0 = bnc.relu %a : tensor<?x8x4x4xf32>
    bnc.yield %0 : tensor<?x8x4x4xf32>
  }
  %l = bnc.kernel images(1) (%a = %s) {chains = 0 : i64} : (tensor<?x8x4x4xf32>) -> tensor<?x8x4x4xf32> {
    %0 = bnc.exp %a : tensor<?x8x4x4xf32>
    bnc.yield %0 : tensor<?x8x4x4xf32>
  }
  // CHECK: bnc.kernel {{.*}} = %[[S]])
  // CHECK: bnc.kernel {{.*}} = %[[S]])
  %g = bnc.kernel images(1) (%a = %l, %b = %s) {chains = 0 : i64} : (tensor<?x8x4x4xf32>, tensor<?x8x4x4xf32>) -> tensor<?x8x4x4xf32> {
    %0 = bnc.mul %a, %b : (tensor<?x8x4x4xf32>, tensor<?x8x4x4xf32>) -> tensor<?x8x4x4xf32>
    bnc.yield %0 : tensor<?x8x4x4xf32>
  }
  bnc.return %l : tensor<?x8x4x4xf32>
}

// -----

// An element of what is transposed is made of another one.
// CHECK-LABEL: @elsewhere
bnc.graph training @elsewhere(%x: tensor<?x8x4x4xf32>) -> tensor<?x8x4x4xf32> {
  %p = bnc.kernel images(1) (%a = %x) {chains = 0 : i64} : (tensor<?x8x4x4xf32>) -> tensor<?x8x4x4xf32> {
    %0 = bnc.transpose %a {permutation = array<i64: 0, 1, 3, 2>} : (tensor<?x8x4x4xf32>) -> tensor<?x8x4x4xf32>
    bnc.yield %0 : tensor<?x8x4x4xf32>
  }
  // CHECK: bnc.kernel
  // CHECK: %[[S:.*]] = bnc.kernel
  // CHECK-NEXT: bnc.transpose
  %s = bnc.kernel images(1) (%a = %p) {chains = 0 : i64} : (tensor<?x8x4x4xf32>) -> tensor<?x8x4x4xf32> {
    %0 = bnc.transpose %a {permutation = array<i64: 0, 1, 3, 2>} : (tensor<?x8x4x4xf32>) -> tensor<?x8x4x4xf32>
    bnc.yield %0 : tensor<?x8x4x4xf32>
  }
  %l = bnc.kernel images(1) (%a = %s) {chains = 0 : i64} : (tensor<?x8x4x4xf32>) -> tensor<?x8x4x4xf32> {
    %0 = bnc.exp %a : tensor<?x8x4x4xf32>
    bnc.yield %0 : tensor<?x8x4x4xf32>
  }
  // CHECK: bnc.kernel {{.*}} = %[[S]])
  // CHECK: bnc.kernel {{.*}} = %[[S]])
  %g = bnc.kernel images(1) (%a = %l, %b = %s) {chains = 0 : i64} : (tensor<?x8x4x4xf32>, tensor<?x8x4x4xf32>) -> tensor<?x8x4x4xf32> {
    %0 = bnc.mul %a, %b : (tensor<?x8x4x4xf32>, tensor<?x8x4x4xf32>) -> tensor<?x8x4x4xf32>
    bnc.yield %0 : tensor<?x8x4x4xf32>
  }
  %h = bnc.kernel images(1) (%a = %g, %b = %p) {chains = 0 : i64} : (tensor<?x8x4x4xf32>, tensor<?x8x4x4xf32>) -> tensor<?x8x4x4xf32> {
    %0 = bnc.mul %a, %b : (tensor<?x8x4x4xf32>, tensor<?x8x4x4xf32>) -> tensor<?x8x4x4xf32>
    bnc.yield %0 : tensor<?x8x4x4xf32>
  }
  bnc.return %l : tensor<?x8x4x4xf32>
}

// -----

// A pool is formed again, too.
// CHECK-LABEL: @windows
bnc.graph training @windows(%x: tensor<?x8x4x4xf32>) -> tensor<?x8x4x4xf32> {
  // CHECK: %[[P:.*]] = bnc.kernel
  %p = bnc.kernel images(1) (%a = %x) {chains = 0 : i64} : (tensor<?x8x4x4xf32>) -> tensor<?x8x4x4xf32> {
    %0 = bnc.transpose %a {permutation = array<i64: 0, 1, 3, 2>} : (tensor<?x8x4x4xf32>) -> tensor<?x8x4x4xf32>
    bnc.yield %0 : tensor<?x8x4x4xf32>
  }
  // CHECK: %[[S:.*]] = bnc.kernel
  // CHECK-NEXT: bnc.max_pool
  %s = bnc.kernel images(1) (%a = %p) {chains = 0 : i64} : (tensor<?x8x4x4xf32>) -> tensor<?x8x4x4xf32> {
    %0 = bnc.max_pool %a {kernel = array<i64: 3, 3>, strides = array<i64: 1, 1>, pads = array<i64: 1, 1, 1, 1>, dilations = array<i64: 1, 1>} : (tensor<?x8x4x4xf32>) -> tensor<?x8x4x4xf32>
    bnc.yield %0 : tensor<?x8x4x4xf32>
  }
  // CHECK: %[[L:.*]] = bnc.kernel {{.*}} = %[[S]])
  %l = bnc.kernel images(1) (%a = %s) {chains = 0 : i64} : (tensor<?x8x4x4xf32>) -> tensor<?x8x4x4xf32> {
    %0 = bnc.exp %a : tensor<?x8x4x4xf32>
    bnc.yield %0 : tensor<?x8x4x4xf32>
  }
  // CHECK: bnc.kernel {{.*}} = %[[L]], {{.*}} = %[[P]])
  // CHECK-NEXT: bnc.max_pool
  // CHECK-NEXT: bnc.mul
  %g = bnc.kernel images(1) (%a = %l, %b = %s) {chains = 0 : i64} : (tensor<?x8x4x4xf32>, tensor<?x8x4x4xf32>) -> tensor<?x8x4x4xf32> {
    %0 = bnc.mul %a, %b : (tensor<?x8x4x4xf32>, tensor<?x8x4x4xf32>) -> tensor<?x8x4x4xf32>
    bnc.yield %0 : tensor<?x8x4x4xf32>
  }
  %h = bnc.kernel images(1) (%a = %g, %b = %p) {chains = 0 : i64} : (tensor<?x8x4x4xf32>, tensor<?x8x4x4xf32>) -> tensor<?x8x4x4xf32> {
    %0 = bnc.mul %a, %b : (tensor<?x8x4x4xf32>, tensor<?x8x4x4xf32>) -> tensor<?x8x4x4xf32>
    bnc.yield %0 : tensor<?x8x4x4xf32>
  }
  bnc.return %l : tensor<?x8x4x4xf32>
}

// -----

// What is formed from a value that is formed again forms both, if no more than one tensor more is read: p and q here, in
// the place of s and with q at hand.
// CHECK-LABEL: @through
bnc.graph training @through(%x: tensor<?x8x4x4xf32>) -> tensor<?x8x4x4xf32> {
  // CHECK: %[[P:.*]] = bnc.kernel
  %p = bnc.kernel images(1) (%a = %x) {chains = 0 : i64} : (tensor<?x8x4x4xf32>) -> tensor<?x8x4x4xf32> {
    %0 = bnc.transpose %a {permutation = array<i64: 0, 1, 3, 2>} : (tensor<?x8x4x4xf32>) -> tensor<?x8x4x4xf32>
    bnc.yield %0 : tensor<?x8x4x4xf32>
  }
  // CHECK: %[[Q:.*]] = bnc.kernel
  %q = bnc.kernel images(1) (%a = %x) {chains = 0 : i64} : (tensor<?x8x4x4xf32>) -> tensor<?x8x4x4xf32> {
    %0 = bnc.transpose %a {permutation = array<i64: 0, 1, 3, 2>} : (tensor<?x8x4x4xf32>) -> tensor<?x8x4x4xf32>
    bnc.yield %0 : tensor<?x8x4x4xf32>
  }
  // CHECK: %[[R:.*]] = bnc.kernel
  %r = bnc.kernel images(1) (%a = %x) {chains = 0 : i64} : (tensor<?x8x4x4xf32>) -> tensor<?x8x4x4xf32> {
    %0 = bnc.transpose %a {permutation = array<i64: 0, 1, 3, 2>} : (tensor<?x8x4x4xf32>) -> tensor<?x8x4x4xf32>
    bnc.yield %0 : tensor<?x8x4x4xf32>
  }
  %s = bnc.kernel images(1) (%a = %p, %b = %q) {chains = 0 : i64} : (tensor<?x8x4x4xf32>, tensor<?x8x4x4xf32>) -> tensor<?x8x4x4xf32> {
    %0 = bnc.add %a, %b : (tensor<?x8x4x4xf32>, tensor<?x8x4x4xf32>) -> tensor<?x8x4x4xf32>
    bnc.yield %0 : tensor<?x8x4x4xf32>
  }
  %t = bnc.kernel images(1) (%a = %s, %b = %r) {chains = 0 : i64} : (tensor<?x8x4x4xf32>, tensor<?x8x4x4xf32>) -> tensor<?x8x4x4xf32> {
    %0 = bnc.add %a, %b : (tensor<?x8x4x4xf32>, tensor<?x8x4x4xf32>) -> tensor<?x8x4x4xf32>
    bnc.yield %0 : tensor<?x8x4x4xf32>
  }
  // CHECK: bnc.kernel
  // CHECK: %[[T0:.*]] = bnc.kernel {{.*}} = %[[R]])
  // CHECK: %[[L:.*]] = bnc.kernel {{.*}} = %[[T0]])
  %l = bnc.kernel images(1) (%a = %t) {chains = 0 : i64} : (tensor<?x8x4x4xf32>) -> tensor<?x8x4x4xf32> {
    %0 = bnc.exp %a : tensor<?x8x4x4xf32>
    bnc.yield %0 : tensor<?x8x4x4xf32>
  }
  // CHECK: %[[G:.*]] = bnc.kernel images(1) ({{.*}} = %[[L]], %[[R1:[a-z0-9]+]] = %[[R]], %[[Q1:[a-z0-9]+]] = %[[Q]], %[[P1:[a-z0-9]+]] = %[[P]])
  // CHECK-NEXT: %[[S:.*]] = bnc.add %[[P1]], %[[Q1]]
  // CHECK-NEXT: %[[T:.*]] = bnc.add %[[S]], %[[R1]]
  // CHECK-NEXT: bnc.mul
  %g = bnc.kernel images(1) (%a = %l, %b = %t, %c = %r) {chains = 0 : i64} : (tensor<?x8x4x4xf32>, tensor<?x8x4x4xf32>, tensor<?x8x4x4xf32>) -> tensor<?x8x4x4xf32> {
    %0 = bnc.mul %a, %b : (tensor<?x8x4x4xf32>, tensor<?x8x4x4xf32>) -> tensor<?x8x4x4xf32>
    %1 = bnc.mul %0, %c : (tensor<?x8x4x4xf32>, tensor<?x8x4x4xf32>) -> tensor<?x8x4x4xf32>
    bnc.yield %1 : tensor<?x8x4x4xf32>
  }
  // CHECK: bnc.kernel {{.*}} = %[[G]], {{.*}} = %[[P]], {{.*}} = %[[Q]])
  // CHECK-NEXT: bnc.add
  %h = bnc.kernel images(1) (%a = %g, %b = %s, %c = %p) {chains = 0 : i64} : (tensor<?x8x4x4xf32>, tensor<?x8x4x4xf32>, tensor<?x8x4x4xf32>) -> tensor<?x8x4x4xf32> {
    %0 = bnc.mul %a, %b : (tensor<?x8x4x4xf32>, tensor<?x8x4x4xf32>) -> tensor<?x8x4x4xf32>
    %1 = bnc.mul %0, %c : (tensor<?x8x4x4xf32>, tensor<?x8x4x4xf32>) -> tensor<?x8x4x4xf32>
    bnc.yield %1 : tensor<?x8x4x4xf32>
  }
  %i = bnc.kernel images(1) (%a = %h, %b = %q) {chains = 0 : i64} : (tensor<?x8x4x4xf32>, tensor<?x8x4x4xf32>) -> tensor<?x8x4x4xf32> {
    %0 = bnc.mul %a, %b : (tensor<?x8x4x4xf32>, tensor<?x8x4x4xf32>) -> tensor<?x8x4x4xf32>
    bnc.yield %0 : tensor<?x8x4x4xf32>
  }
  %j = bnc.kernel images(1) (%a = %i, %b = %p) {chains = 0 : i64} : (tensor<?x8x4x4xf32>, tensor<?x8x4x4xf32>) -> tensor<?x8x4x4xf32> {
    %0 = bnc.mul %a, %b : (tensor<?x8x4x4xf32>, tensor<?x8x4x4xf32>) -> tensor<?x8x4x4xf32>
    bnc.yield %0 : tensor<?x8x4x4xf32>
  }
  %k = bnc.kernel images(1) (%a = %j, %b = %r) {chains = 0 : i64} : (tensor<?x8x4x4xf32>, tensor<?x8x4x4xf32>) -> tensor<?x8x4x4xf32> {
    %0 = bnc.mul %a, %b : (tensor<?x8x4x4xf32>, tensor<?x8x4x4xf32>) -> tensor<?x8x4x4xf32>
    bnc.yield %0 : tensor<?x8x4x4xf32>
  }
  bnc.return %l : tensor<?x8x4x4xf32>
}

// -----

// What leaves the graph is in the caller's memory.
// CHECK-LABEL: @returned
bnc.graph training @returned(%x: tensor<?x8x4x4xf32>) -> tensor<?x8x4x4xf32> {
  %p = bnc.kernel images(1) (%a = %x) {chains = 0 : i64} : (tensor<?x8x4x4xf32>) -> tensor<?x8x4x4xf32> {
    %0 = bnc.max_pool %a {kernel = array<i64: 3, 3>, strides = array<i64: 1, 1>, pads = array<i64: 1, 1, 1, 1>, dilations = array<i64: 1, 1>} : (tensor<?x8x4x4xf32>) -> tensor<?x8x4x4xf32>
    bnc.yield %0 : tensor<?x8x4x4xf32>
  }
  // CHECK: bnc.kernel
  // CHECK: %[[S:.*]] = bnc.kernel
  // CHECK-NEXT: bnc.relu
  %l = bnc.kernel images(1) (%a = %p) {chains = 0 : i64} : (tensor<?x8x4x4xf32>) -> tensor<?x8x4x4xf32> {
    %0 = bnc.relu %a : tensor<?x8x4x4xf32>
    bnc.yield %0 : tensor<?x8x4x4xf32>
  }
  // CHECK: bnc.kernel {{.*}} = %[[S]], {{.*}} = %[[S]])
  %g = bnc.kernel images(1) (%a = %l, %b = %l) {chains = 0 : i64} : (tensor<?x8x4x4xf32>, tensor<?x8x4x4xf32>) -> tensor<?x8x4x4xf32> {
    %0 = bnc.mul %a, %b : (tensor<?x8x4x4xf32>, tensor<?x8x4x4xf32>) -> tensor<?x8x4x4xf32>
    bnc.yield %0 : tensor<?x8x4x4xf32>
  }
  %h = bnc.kernel images(1) (%a = %g, %b = %p) {chains = 0 : i64} : (tensor<?x8x4x4xf32>, tensor<?x8x4x4xf32>) -> tensor<?x8x4x4xf32> {
    %0 = bnc.mul %a, %b : (tensor<?x8x4x4xf32>, tensor<?x8x4x4xf32>) -> tensor<?x8x4x4xf32>
    bnc.yield %0 : tensor<?x8x4x4xf32>
  }
  bnc.return %l : tensor<?x8x4x4xf32>
}

// -----

// The caller keeps the graph's inputs.
// CHECK-LABEL: @input
bnc.graph training @input(%x: tensor<?x8x4x4xf32>) -> tensor<?x8x4x4xf32> {
  // CHECK: %[[S:.*]] = bnc.kernel
  %s = bnc.kernel images(1) (%a = %x) {chains = 0 : i64} : (tensor<?x8x4x4xf32>) -> tensor<?x8x4x4xf32> {
    %0 = bnc.relu %a : tensor<?x8x4x4xf32>
    bnc.yield %0 : tensor<?x8x4x4xf32>
  }
  %l = bnc.kernel images(1) (%a = %s) {chains = 0 : i64} : (tensor<?x8x4x4xf32>) -> tensor<?x8x4x4xf32> {
    %0 = bnc.exp %a : tensor<?x8x4x4xf32>
    bnc.yield %0 : tensor<?x8x4x4xf32>
  }
  // CHECK: %[[L:.*]] = bnc.kernel {{.*}} = %[[S]])
  // CHECK: bnc.kernel {{.*}} = %[[L]], {{.*}} = %arg0)
  // CHECK-NEXT: bnc.relu
  // CHECK-NEXT: bnc.mul
  %g = bnc.kernel images(1) (%a = %l, %b = %s) {chains = 0 : i64} : (tensor<?x8x4x4xf32>, tensor<?x8x4x4xf32>) -> tensor<?x8x4x4xf32> {
    %0 = bnc.mul %a, %b : (tensor<?x8x4x4xf32>, tensor<?x8x4x4xf32>) -> tensor<?x8x4x4xf32>
    bnc.yield %0 : tensor<?x8x4x4xf32>
  }
  bnc.return %l : tensor<?x8x4x4xf32>
}
