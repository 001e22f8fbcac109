"""The Chinese of the lab: {English sentence or template: Chinese}, one table for everything.

Sorted by where the English stands. A value in braces keeps its name and format; `words.translate`
fills it in. Terms follow the lectures' notes: 临界点 critical point, 鞍点 saddle point,
误差曲面 error surface, 批次 batch, 动量 momentum, 学习率 learning rate, 预热 warm-up,
批次标准化 batch normalisation, 海森矩阵 Hessian.
"""

TABLE = {
    # verdicts
    "holds": "成立",
    "holds with a limit": "有条件地成立",
    "does not hold": "不成立",
    "undecided": "未定",
    # lectures
    "Local minima and saddle points": "局部最小值与鞍点",
    "Batch and momentum": "批次与动量",
    "Adaptive learning rate": "自适应学习率",
    "Loss": "损失函数",
    "Batch normalisation": "批次标准化",
    "The doctor's clinic": "网络医生的诊所",
    # the command line and the runner
    "Claim": "论断",
    "Experiment": "实验",
    "Verdict": "结论",
    "Key number": "关键数字",
    "Seeds": "种子数",
    "not run": "未运行",
    "Not run.": "未运行。",
    "failed": "失败",
    "A run failed: {error}": "一次运行失败：{error}",
    "The verdict failed: {error}": "结论计算失败：{error}",
    "Interrupted: {missing} of {planned} runs are missing.": (
        "被中断：{planned} 次运行中缺 {missing} 次。"
    ),
}
