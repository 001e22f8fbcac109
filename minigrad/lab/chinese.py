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
    # saddle
    "The saddle point of the smallest network": "最小网络的鞍点",
    (
        "Training can stop where the gradient is zero and yet no minimum is near: at "
        "the origin of y = w₁w₂x on the datum (1, 1) the loss L = (1 − w₁w₂)² has "
        "gradient 0 and Hessian eigenvalues ±2. The signs of the eigenvalues tell a "
        "saddle from a minimum, and a step along the eigenvector of the negative one "
        "lowers the loss."
    ): (
        "训练可能停在梯度为零、附近却没有最小值的地方：y = w₁w₂x 在数据 (1, 1) 上的"
        "损失 L = (1 − w₁w₂)²，在原点梯度为 0，海森矩阵的特征值为 ±2。特征值的符"
        "号能区分鞍点与最小值，沿负特征值的特征向量走一步，损失就会下降。"
    ),
    # taylor
    "The second-order Taylor approximation, and how far it carries": "二阶泰勒近似，以及它能走多远",
    (
        "Around a point θ the loss is L(θ + δ) ≈ L(θ) + gᵀδ + ½ δᵀHδ, so that at a "
        "critical point, where g = 0, the Hessian H tells the shape of the error "
        "surface."
    ): (
        "在点 θ 附近，损失 L(θ + δ) ≈ L(θ) + gᵀδ + ½ δᵀHδ；因此在梯"
        "度 g = 0 的临界点，海森矩阵 H 说明误差曲面的形状。"
    ),
    # minimum_ratio
    "Has anybody seen a local minimum?": "有人见过局部最小值吗？",
    (
        "Local minima are rare: where training has got to, the minimum ratio (positive "
        "eigenvalues of the Hessian / all) lies between 0 and 0.56 on the slide, one "
        "dot a training, so that a real local minimum is never seen."
    ): (
        "局部最小值很少见：训练所到之处，最小值比例（海森矩阵的正特征值 / 全部特征值）在投影片上介"
        "于 0 与 0.56 之间，一次训练一个点，所以从未见过真正的局部最小值。"
    ),
    # escape
    "Saddles have ways out, and more of them the higher they lie": "鞍点都有出路，位置越高出路越多",
    (
        "Critical points of high loss are saddles rather than minima: the higher the "
        "loss, the more of the directions curve down, and more so with more "
        "dimensions. So a saddle is no trap: one can leave it along negative curvature."
    ): (
        "损失高的临界点是鞍点而不是最小值：损失越高，向下弯曲的方向越多，维度越高越是如此。所以鞍点不"
        "是陷阱：沿负曲率的方向就能离开。"
    ),
    # hessian_cost
    "What a Hessian costs, counted in gradients": "海森矩阵的代价，以梯度计",
    (
        "The eigenvectors of the Hessian show the way out of a saddle, but this is "
        "hardly used in practice, because second derivatives are too expensive to "
        "compute."
    ): "海森矩阵的特征向量指出离开鞍点的路，但实际上很少用它，因为二阶微分的计算量太大。",
    # batch_time
    "A large batch costs little more time, until it does": "大批次几乎不多花时间，直到某个大小",
    (
        "The time of an update hardly grows with the batch size up to about a thousand "
        "samples, because they are computed in parallel, and grows linearly beyond; so "
        "an epoch takes less time with a large batch than with a small one."
    ): (
        "批次在一千个样本左右以内，一次更新的时间几乎不增长，因为样本是并行计算的，再大才线性增长；所"
        "以跑完一个 epoch，大批次比小批次省时间。"
    ),
    # batch_training
    "Does optimisation fail with large batches?": "大批次会让优化失败吗？",
    (
        "Training with a large batch gives worse results than with a small one, on the "
        "training data too: optimisation fails with large batches (the slide: MNIST "
        "accuracy falls to 0.84 on the training and 0.87 on the validation part with "
        "the full batch, CIFAR from 0.58 and 0.61 to 0.30 and 0.33)."
    ): (
        "用大批次训练的结果不如小批次，在训练数据上也是如此：大批次会让优化失败（投影片：用整个训练集"
        "作一个批次时，MNIST 的训练与验证准确率降到 0.84 与 0.87，CIFAR 从 0"
        ".58 与 0.61 降到 0.30 与 0.33）。"
    ),
    # batch_testing
    "Do small batches find flat minima that generalise?": "小批次会找到泛化更好的平坦最小值吗？",
    (
        "At the same training loss the solution of a small batch classifies unseen "
        "data better than that of a large batch, because the large batch ends in a "
        "sharp minimum and the small one in a flat minimum."
    ): (
        "训练损失相同时，小批次的解对未见过的数据分类更好，因为大批次停在尖锐的最小值，小批次停在平坦"
        "的最小值。"
    ),
    # noise
    "Noise helps to leave a saddle point": "噪声有助于离开鞍点",
    (
        "Small batches help at critical points: the full batch is stuck where its "
        "gradient is zero, while the noise of small batches, whose losses have other "
        "critical points, moves on."
    ): (
        "小批次在临界点有帮助：整个批次在梯度为零处停住，而小批次的损失有别的临界点，它的噪声会继续前"
        "进。"
    ),
    # momentum
    "Momentum carries descent over a hill": "动量带着下降越过山丘",
    (
        "With momentum the movement is λ · last movement − η · gradient, which is a "
        "weighted sum of all gradients so far; so descent can pass a local minimum in "
        "which gradient descent stays."
    ): (
        "有了动量，移动量 = λ · 上一次移动量 − η · 梯度，也就是过去所有梯度的加权和；所"
        "以能越过梯度下降会停住的局部最小值。"
    ),
    # stuck
    "Training stuck, and the gradient is not small": "训练卡住了，梯度却不小",
    (
        "When the loss hardly falls any more, people say that training is stuck at a "
        "critical point. But training stuck is not the same as a small gradient: the "
        "norm of the gradient can stay large while the loss stalls, because the steps "
        "bounce between the walls of a valley."
    ): (
        "当损失几乎不再下降，人们说训练卡在临界点。但训练卡住不等于梯度小：损失停滞时梯度的范数可以一"
        "直很大，因为每一步都在山谷的两壁之间来回弹。"
    ),
    # valley
    "The convex valley that gradient descent does not come down": "梯度下降走不到底的凸山谷",
    (
        "Even a convex error surface is hard for one learning rate: in the valley of a "
        "linear regression η = 1e-7 does not reach the optimum in 100,000 updates, and "
        "a large rate, η = 1e-2, swings across the valley from wall to wall."
    ): (
        "即使是凸的误差曲面，单一学习率也很难：在一个线性回归的山谷里，η = 1e-7 经过 100"
        ",000 次更新仍到不了最优点，而大的学习率 η = 1e-2 会在山谷两壁之间来回摆动。"
    ),
    # adagrad
    "Adagrad bursts sideways, if it takes the mean": "Adagrad 会向旁边喷出去，如果它取的是平均",
    (
        "Dividing each parameter's step by the root mean square of all its gradients "
        "so far, called Adagrad, brings descent through the valley to the optimum; but "
        "on the flat floor the divisor shrinks, until the steps across the valley grow "
        "too long and the path bursts sideways."
    ): (
        "把每个参数的步长除以它至今所有梯度的均方根，称为 Adagrad，能让下降穿过山谷到达最优点"
        "；但在平坦的谷底除数会变小，直到横越山谷的步子变得太大，路径向旁边喷出去。"
    ),
    # rmsprop
    "RMSProp adapts where Adagrad crawls": "Adagrad 爬行之处，RMSProp 能适应",
    (
        "Even for one parameter the right rate changes along the way, as in a "
        "crescent-shaped valley. RMSProp divides by a moving root mean square, in "
        "which recent gradients count most, and so adapts at once, while Adagrad "
        "remembers the steep start for ever; its first step, with σ₀ = |g₀|, has the "
        "length η."
    ): (
        "即使只有一个参数，合适的学习率沿途也在变，例如在新月形的山谷里。RMSProp 除以移动的均"
        "方根，其中最近的梯度影响最大，因而立刻适应，而 Adagrad 永远记得陡峭的起点；它的第一"
        "步，取 σ₀ = |g₀|，长度为 η。"
    ),
    # adam
    "Adam is RMSProp with momentum": "Adam 就是 RMSProp 加动量",
    (
        "Adam is RMSProp + momentum: the direction comes from momentum, its size from "
        "the root mean square σ; and its default parameters are good."
    ): ("Adam = RMSProp + 动量：方向来自动量，大小来自均方根 σ；并且它的预设参数就很好。"),
    # schedule
    "Learning-rate decay and warm-up": "学习率衰减与预热",
    (
        "A learning rate that decays cures the bursts of the root-mean-square rule; "
        "and warm-up, a rate that first grows, helps Transformers (linear growth, then "
        "the inverse square root) and residual networks (0.01 first, then 0.1)."
    ): (
        "逐渐衰减的学习率能治好均方根规则的喷发；而预热，也就是先增大的学习率，对 Transform"
        "er（先线性增大，再按平方根的倒数减小）和残差网络（先 0.01，再 0.1）有帮助。"
    ),
    # warmup
    "RAdam explains warm-up": "RAdam 解释了预热",
    (
        "Adam needs warm-up because its adaptive rate 1/σ, made of few gradients, "
        "varies wildly in the first updates; a linear warm-up over 2/(1 − β₂) updates, "
        "or RAdam, which corrects for that variance, trains better than Adam alone."
    ): (
        "Adam 需要预热，因为它的自适应学习率 1/σ 由很少的梯度估计，在最初的更新中剧烈变动；"
        "在 2/(1 − β₂) 次更新内线性预热，或者修正这一方差的 RAdam，都比单用 Ada"
        "m 训练得好。"
    ),
    # optimizers
    "Summary of optimisation: one formula, all methods": "优化的总结：一个公式，所有方法",
    (
        "All methods are θ ← θ − ηₜ mₜ/σₜ: momentum m says where to go, the root mean "
        "square σ how far each weight goes, the schedule ηₜ how the steps grow and "
        "shrink. The full formula, Adam with warm-up and decay, improves on plain "
        "gradient descent and on each of its parts."
    ): (
        "所有方法都是 θ ← θ − ηₜ mₜ/σₜ：动量 m 说往哪里走，均方根 σ 说每个权重"
        "走多远，学习率安排 ηₜ 说步子如何变大变小。完整的公式，即带预热与衰减的 Adam，胜过单"
        "纯的梯度下降，也胜过它的每一部分。"
    ),
    # classes
    "Classes as numbers or as one-hot vectors": "类别用编号还是独热向量",
    (
        "A network that regresses on the class number is told that class 1 lies nearer "
        "to class 2 than to class 3. Where the classes have no such order this harms, "
        "and one-hot vectors are the better target; where they have one, the numbers "
        "put it to use."
    ): (
        "把类别编号当作数值来回归，等于告诉网络：第 1 类离第 2 类比离第 3 类近。类别没有这种"
        "顺序时这是有害的，独热向量是更好的目标；有这种顺序时，编号能利用它。"
    ),
    # softmax
    "Softmax exaggerates differences: when?": "softmax 会拉大差距：什么时候？",
    (
        "Softmax turns logits into shares between 0 and 1 that sum to 1, softmax(3, 1, "
        "−3) = (0.88, 0.12, ≈0); on the way it exaggerates differences: the large "
        "becomes larger still. With two classes it is the sigmoid of the difference of "
        "the logits."
    ): (
        "softmax 把 logits 变成介于 0 与 1、总和为 1 的份额，softmax("
        "3, 1, −3) = (0.88, 0.12, ≈0)；同时它会拉大差距：大的变得更大。只"
        "有两类时，它就是两个 logit 之差的 sigmoid。"
    ),
    # cross_entropy
    "Cross-entropy against squared error for classes": "分类用交叉熵还是平方误差",
    (
        "For classification minimise cross-entropy, not the squared error of the "
        "softmax: where the network is wrong with confidence, cross-entropy is steep "
        "and the squared error flat, so that training by the squared error is stuck "
        "there, at a large loss."
    ): (
        "分类时应最小化交叉熵，而不是 softmax 的平方误差：网络错得很有把握的地方，交叉熵很陡"
        "而平方误差很平，所以用平方误差训练会卡在那里，损失很大。"
    ),
    # likelihood
    "Minimising cross-entropy is maximising likelihood": "最小化交叉熵就是最大化似然",
    (
        "Minimising the cross-entropy is exactly maximising the likelihood of the "
        "data: the two have the same optimum. On data drawn from a known model it "
        "therefore finds that model again, up to the chance of the sample."
    ): (
        "最小化交叉熵与最大化数据的似然完全相同：两者的最优点一样。因此对于由已知模型产生的数据，除了"
        "样本的偶然性，它会把那个模型重新找出来。"
    ),
    # features
    "Feature normalisation: from a ravine to a bowl": "特征标准化：从峡谷到碗",
    (
        "Features of different sizes make an error surface that is steep in some "
        "directions and flat in others; bringing each feature to mean 0 and standard "
        "deviation 1 makes the surface rounder, and gradient descent needs fewer "
        "updates to the same loss."
    ): (
        "大小不同的特征使误差曲面在一些方向很陡、在另一些方向很平；把每个特征变成均值 0、标准差 1"
        "，曲面会更圆，梯度下降用更少的更新就能达到同样的损失。"
    ),
    # batch_norm
    "Batch norm: faster training, larger learning rates": "批次标准化：训练更快，学习率更大",
    (
        "Batch norm makes training faster: the same network with it needs fewer "
        "updates to a given training loss, trains at larger learning rates and greater "
        "depth, with sigmoids too, and classifies unseen data no worse."
    ): (
        "批次标准化使训练更快：同一个网络用了它，达到给定训练损失所需的更新更少，能用更大的学习率、更"
        "深的网络，用 sigmoid 也行，而且对未见过的数据分类并不更差。"
    ),
    # running_statistics
    "Batch norm in testing: running statistics": "测试时的批次标准化：移动平均",
    (
        "In testing there is no batch, so batch norm uses moving averages collected in "
        "training, μ̄ ← p·μ̄ + (1 − p)·μᵗ and the same for the variance, with p = 0.1 "
        "in PyTorch; the network then classifies as well as with statistics of the "
        "whole training set."
    ): (
        "测试时没有批次，所以批次标准化改用训练中累积的移动平均，μ̄ ← p·μ̄ + (1 − p"
        ")·μᵗ，方差也一样，在 PyTorch 中 p = 0.1；此时网络的分类与使用整个训练集"
        "的统计量一样好。"
    ),
    # why_batch_norm
    "Why batch norm helps": "批次标准化为什么有用",
    (
        "Batch norm does not help by keeping the inputs of the layers steady: the "
        "internal covariate shift hardly differs with it, and a network trains as well "
        "when noise after batch norm shifts those inputs on purpose. It helps because "
        "the error surface becomes smoother: the gradient predicts the gradients ahead "
        "better, and the Hessian is better conditioned."
    ): (
        "批次标准化的作用不在于让各层的输入保持稳定：有没有它，内部协变量偏移几乎一样；在它之后故意加"
        "上噪声使输入漂移，网络照样训练得好。它有用是因为误差曲面变得更平滑：梯度更能预测前方的梯度，"
        "海森矩阵的条件更好。"
    ),
    # scale_invariance
    "Batch norm forgets the length of the weights": "批次标准化忘记了权重的长度",
    (
        "In training mode batch norm makes the loss independent of the length of the "
        "weights before it: for each neuron w·g = 0 and Hw = −g, up to the ε in the "
        "denominator, and a bias before batch norm has gradient 0 and zero rows in the "
        "Hessian. So plain gradient steps can only lengthen w, and its effective "
        "learning rate is η/‖w‖²."
    ): (
        "在训练模式下，批次标准化使损失与它前面权重的长度无关：对每个神经元 w·g = 0 且 Hw"
        " = −g（只差分母中的 ε），它前面的偏置梯度为 0，在海森矩阵中的行也为零。所以单纯的梯"
        "度步只会使 w 变长，有效学习率是 η/‖w‖²。"
    ),
    # clinic
    "The doctor names the illness of a sick network": "医生说出生病网络的病名",
    (
        "A network that does not train can be told why: of networks with one planted "
        "illness each the doctor names the illness, and of healthy networks it finds "
        "nothing."
    ): (
        "可以告诉一个训练不起来的网络原因：对各植入一种病的网络，医生说出病名；对健康的网络，它什么也"
        "查不出。"
    ),
    # lab/clinic/clinic
    "no run": "没有运行",
    "There is no run.": "没有任何运行。",
    "{named}/{sick} illnesses named, {silent}/{healthy} healthy silent": (
        "说出 {named}/{sick} 个病名，{silent}/{healthy} 个健康者无误报"
    ),
    (
        "{patients} patients, {n} examinations each: the planted illness is among the "
        "findings in {named} of {sick} examinations of the sick, with {others:.1f} "
        "further findings on average; {silent} of {healthy} examinations of the "
        "healthy end without a finding."
    ): (
        "{patients} 个病人，每人检查 {n} 次：在 {sick} 次对生病网络的检查中，"
        "有 {named} 次的诊断包含植入的病，平均另有 {others:.1f} 个诊断；在 {"
        "healthy} 次对健康网络的检查中，有 {silent} 次没有任何诊断。"
    ),
    "“{name}” ({planted}): right in {right} of {visits}; said instead: {found}.": (
        "“{name}”（{planted}）：{visits} 次中对了 {right} 次；说成了：{found}。"
    ),
    "nothing": "无",
    # lab/report/experiment_page
    "The saved measurements could not be drawn: {error}": "保存的测量无法画出：{error}",
    "Key": "键",
    "Meaning": "含义",
    "What each of the runs in the file holds.": "文件中每次运行所包含的内容。",
    "Name": "名称",
    "Value": "值",
    "Measurements": "测量",
    "The saved file": "保存的文件",
    "Settings": "设置",
    "Measured {when}, {seconds:.1f} s a run, with": "测量于 {when}，每次运行 {seconds:.1f} 秒，使用",
    "Previous": "上一个",
    "Next": "下一个",
    "Claims": "论断",
    "What would refute it": "什么会推翻它",
    "Method": "方法",
    "Try it yourself on the optimizer playground": "在优化器游乐场自己试试",
    "The heart of the code": "核心代码",
    "References": "参考文献",
    "Repeat the measurement": "重复这项测量",
    "Measure it": "进行测量",
    "{known} (+ {missing} without)": "{known}（另有 {missing} 次没有）",
    "Quantity": "量",
    "mean": "平均",
    "sd": "标准差",
    "min … max": "最小 … 最大",
    "n": "n",
    (
        "Over the seeds {seeds}: mean, standard deviation (n − 1), smallest and largest, runs."
    ): "对种子 {seeds}：平均、标准差（n − 1）、最小与最大、运行次数。",
    # lab/report/front
    "one experiment, one lecture": "一个实验，一讲",
    "these pages again from the saved measurements": "由保存的测量重新生成这些页面",
    "what there is": "有哪些实验",
    "Last measured {when}.": "最近一次测量：{when}。",
    "The measurements lie beside these pages as JSON, one file an experiment, in": "测量以 JSON 保存在这些页面旁边，每个实验一个文件，位于",
    "Run it yourself": "自己运行",
    "Where this was measured": "在哪里测量的",
    "Nothing is measured yet.": "还没有任何测量。",
    "Why will a network not train?": "类神经网络训练不起来怎么办？",
    (
        "What five lectures claim about training neural networks, measured with "
        "minigrad. Each experiment states its claim and what would refute it; the "
        "verdict is computed from the measurement."
    ): (
        "五讲课程对训练神经网络的论断，用 minigrad 测量。每个实验写明论断以及什么会推翻它；"
        "结论由测量计算得出。"
    ),
    "Other pages": "其他页面",
    "the commands, the data, the machine": "命令、数据、机器",
    "No.": "编号",
    "Figure": "图",
    "Verdicts": "结论",
    "{n} claims:": "{n} 个论断：",
    "every experiment, in a few minutes; what is done is not repeated": "所有实验，几分钟；已完成的不再重复",
    "more seeds, longer runs, the largest data set at hand": "更多种子，更长的运行，手边最大的数据集",
    # lab/report/html
    (
        "minigrad {version} (engine {engine}, CPU level {level}), Python {python}, "
        "{machine}, {cores} cores"
    ): (
        "minigrad {version}（引擎 {engine}，CPU 级别 {level}）"
        "，Python {python}，{machine}，{cores} 核"
    ),
    # lab/report/pages
    "six error surfaces, seven methods: watch where they go": "六种误差曲面，七种方法：看它们走向哪里",
    "sick networks, and what the doctor says of them": "生病的网络，以及医生怎么说",
    # lab/doctor/page
    "Figures": "图",
    # lab/playground/page
    "All claims": "所有论断",
    "The optimizer playground": "优化器游乐场",
}
