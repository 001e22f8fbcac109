"""The ladder: matrix product from three loops to the shipped kernel. Read README.md first."""

STEPS = {
    "step1_naive": "1 three loops",
    "step2_order": "2 loop order",
    "step3_vectors": "3 vectors",
    "step4_tile": "4 register tile",
    "step5_blocks": "5 cache blocks",
    "step6_packing": "6 packing",
    "step7_threads": "7 threads",
}
