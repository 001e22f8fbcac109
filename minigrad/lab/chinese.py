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
        "Training can stop where the gradient is zero and yet no minimum is near: at the "
        "origin of y = w₁w₂x on the datum (1, 1) the loss L = (1 − w₁w₂)² has gradient 0 and "
        "Hessian eigenvalues ±2. The signs of the eigenvalues tell a saddle from a minimum, "
        "and a step along the eigenvector of the negative one lowers the loss."
    ): (
        "训练可能停在梯度为零、附近却没有最小值的地方：y = w₁w₂x 在数据 (1, 1) 上的损失 L = "
        "(1 − w₁w₂)²，在原点梯度为 0，海森矩阵的特征值为 ±2。特征值的符号能区分鞍点与最小值，"
        "沿负特征值的特征向量走一步，损失就会下降。"
    ),
    # taylor
    "The second-order Taylor approximation, and how far it carries": (
        "二阶泰勒近似，以及它能走多远"
    ),
    (
        "Around a point θ the loss is L(θ + δ) ≈ L(θ) + gᵀδ + ½ δᵀHδ, so that at a critical "
        "point, where g = 0, the Hessian H tells the shape of the error surface."
    ): (
        "在点 θ 附近，损失 L(θ + δ) ≈ L(θ) + gᵀδ + ½ δᵀHδ；因此在梯度 g = 0 的临界点，海森矩"
        "阵 H 说明误差曲面的形状。"
    ),
    # minimum_ratio
    "Has anybody seen a local minimum?": "有人见过局部最小值吗？",
    (
        "Local minima are rare: where training has got to, the minimum ratio (positive "
        "eigenvalues of the Hessian / all) lies between 0 and 0.56 on the slide, one dot a "
        "training, so that a real local minimum is never seen."
    ): (
        "局部最小值很少见：训练所到之处，最小值比例（海森矩阵的正特征值 / 全部特征值）在投影"
        "片上介于 0 与 0.56 之间，一次训练一个点，所以从未见过真正的局部最小值。"
    ),
    # escape
    "Saddles have ways out, and more of them the higher they lie": (
        "鞍点都有出路，位置越高出路越多"
    ),
    (
        "Critical points of high loss are saddles rather than minima: the higher the loss, "
        "the more of the directions curve down, and more so with more dimensions. So a "
        "saddle is no trap: one can leave it along negative curvature."
    ): (
        "损失高的临界点是鞍点而不是最小值：损失越高，向下弯曲的方向越多，维度越高越是如此。所"
        "以鞍点不是陷阱：沿负曲率的方向就能离开。"
    ),
    # hessian_cost
    "What a Hessian costs, counted in gradients": "海森矩阵的代价，以梯度计",
    (
        "The eigenvectors of the Hessian show the way out of a saddle, but this is hardly "
        "used in practice, because second derivatives are too expensive to compute."
    ): "海森矩阵的特征向量指出离开鞍点的路，但实际上很少用它，因为二阶微分的计算量太大。",
    # batch_time
    "A large batch costs little more time, until it does": "大批次几乎不多花时间，直到某个大小",
    (
        "The time of an update hardly grows with the batch size up to about a thousand "
        "samples, because they are computed in parallel, and grows linearly beyond; so an "
        "epoch takes less time with a large batch than with a small one."
    ): (
        "批次在一千个样本左右以内，一次更新的时间几乎不增长，因为样本是并行计算的，再大才线性"
        "增长；所以跑完一个 epoch，大批次比小批次省时间。"
    ),
    # batch_training
    "Does optimisation fail with large batches?": "大批次会让优化失败吗？",
    (
        "Training with a large batch gives worse results than with a small one, on the "
        "training data too: optimisation fails with large batches (the slide: MNIST accuracy "
        "falls to 0.84 on the training and 0.87 on the validation part with the full batch, "
        "CIFAR from 0.58 and 0.61 to 0.30 and 0.33)."
    ): (
        "用大批次训练的结果不如小批次，在训练数据上也是如此：大批次会让优化失败（投影片：用整"
        "个训练集作一个批次时，MNIST 的训练与验证准确率降到 0.84 与 0.87，CIFAR 从 0.58 与 "
        "0.61 降到 0.30 与 0.33）。"
    ),
    # batch_testing
    "Do small batches find flat minima that generalise?": "小批次会找到泛化更好的平坦最小值吗？",
    (
        "At the same training loss the solution of a small batch classifies unseen data "
        "better than that of a large batch, because the large batch ends in a sharp minimum "
        "and the small one in a flat minimum."
    ): (
        "训练损失相同时，小批次的解对未见过的数据分类更好，因为大批次停在尖锐的最小值，小批次"
        "停在平坦的最小值。"
    ),
    # noise
    "Noise helps to leave a saddle point": "噪声有助于离开鞍点",
    (
        "Small batches help at critical points: the full batch is stuck where its gradient "
        "is zero, while the noise of small batches, whose losses have other critical points, "
        "moves on."
    ): (
        "小批次在临界点有帮助：整个批次在梯度为零处停住，而小批次的损失有别的临界点，它的噪声"
        "会继续前进。"
    ),
    # momentum
    "Momentum carries descent over a hill": "动量带着下降越过山丘",
    (
        "With momentum the movement is λ · last movement − η · gradient, which is a weighted "
        "sum of all gradients so far; so descent can pass a local minimum in which gradient "
        "descent stays."
    ): (
        "有了动量，移动量 = λ · 上一次移动量 − η · 梯度，也就是过去所有梯度的加权和；所以能越"
        "过梯度下降会停住的局部最小值。"
    ),
    # stuck
    "Training stuck, and the gradient is not small": "训练卡住了，梯度却不小",
    (
        "When the loss hardly falls any more, people say that training is stuck at a "
        "critical point. But training stuck is not the same as a small gradient: the norm of "
        "the gradient can stay large while the loss stalls, because the steps bounce between "
        "the walls of a valley."
    ): (
        "当损失几乎不再下降，人们说训练卡在临界点。但训练卡住不等于梯度小：损失停滞时梯度的范"
        "数可以一直很大，因为每一步都在山谷的两壁之间来回弹。"
    ),
    # valley
    "The convex valley that gradient descent does not come down": "梯度下降走不到底的凸山谷",
    (
        "Even a convex error surface is hard for one learning rate: in the valley of a "
        "linear regression η = 1e-7 does not reach the optimum in 100,000 updates, and a "
        "large rate, η = 1e-2, swings across the valley from wall to wall."
    ): (
        "即使是凸的误差曲面，单一学习率也很难：在一个线性回归的山谷里，η = 1e-7 经过 100,000 "
        "次更新仍到不了最优点，而大的学习率 η = 1e-2 会在山谷两壁之间来回摆动。"
    ),
    # adagrad
    "Adagrad bursts sideways, if it takes the mean": "Adagrad 会向旁边喷出去，如果它取的是平均",
    (
        "Dividing each parameter's step by the root mean square of all its gradients so far, "
        "called Adagrad, brings descent through the valley to the optimum; but on the flat "
        "floor the divisor shrinks, until the steps across the valley grow too long and the "
        "path bursts sideways."
    ): (
        "把每个参数的步长除以它至今所有梯度的均方根，称为 Adagrad，能让下降穿过山谷到达最优点"
        "；但在平坦的谷底除数会变小，直到横越山谷的步子变得太大，路径向旁边喷出去。"
    ),
    # rmsprop
    "RMSProp adapts where Adagrad crawls": "Adagrad 爬行之处，RMSProp 能适应",
    (
        "Even for one parameter the right rate changes along the way, as in a "
        "crescent-shaped valley. RMSProp divides by a moving root mean square, in which "
        "recent gradients count most, and so adapts at once, while Adagrad remembers the "
        "steep start for ever; its first step, with σ₀ = |g₀|, has the length η."
    ): (
        "即使只有一个参数，合适的学习率沿途也在变，例如在新月形的山谷里。RMSProp 除以移动的均"
        "方根，其中最近的梯度影响最大，因而立刻适应，而 Adagrad 永远记得陡峭的起点；它的第一"
        "步，取 σ₀ = |g₀|，长度为 η。"
    ),
    # adam
    "Adam is RMSProp with momentum": "Adam 就是 RMSProp 加动量",
    (
        "Adam is RMSProp + momentum: the direction comes from momentum, its size from the "
        "root mean square σ; and its default parameters are good."
    ): "Adam = RMSProp + 动量：方向来自动量，大小来自均方根 σ；并且它的预设参数就很好。",
    # schedule
    "Learning-rate decay and warm-up": "学习率衰减与预热",
    (
        "A learning rate that decays cures the bursts of the root-mean-square rule; and "
        "warm-up, a rate that first grows, helps Transformers (linear growth, then the "
        "inverse square root) and residual networks (0.01 first, then 0.1)."
    ): (
        "逐渐衰减的学习率能治好均方根规则的喷发；而预热，也就是先增大的学习率，对 Transformer"
        "（先线性增大，再按平方根的倒数减小）和残差网络（先 0.01，再 0.1）有帮助。"
    ),
    # warmup
    "RAdam explains warm-up": "RAdam 解释了预热",
    (
        "Adam needs warm-up because its adaptive rate 1/σ, made of few gradients, varies "
        "wildly in the first updates; a linear warm-up over 2/(1 − β₂) updates, or RAdam, "
        "which corrects for that variance, trains better than Adam alone."
    ): (
        "Adam 需要预热，因为它的自适应学习率 1/σ 由很少的梯度估计，在最初的更新中剧烈变动；在"
        " 2/(1 − β₂) 次更新内线性预热，或者修正这一方差的 RAdam，都比单用 Adam 训练得好。"
    ),
    # optimizers
    "Summary of optimisation: one formula, all methods": "优化的总结：一个公式，所有方法",
    (
        "All methods are θ ← θ − ηₜ mₜ/σₜ: momentum m says where to go, the root mean square "
        "σ how far each weight goes, the schedule ηₜ how the steps grow and shrink. The full "
        "formula, Adam with warm-up and decay, improves on plain gradient descent and on "
        "each of its parts."
    ): (
        "所有方法都是 θ ← θ − ηₜ mₜ/σₜ：动量 m 说往哪里走，均方根 σ 说每个权重走多远，学习率"
        "安排 ηₜ 说步子如何变大变小。完整的公式，即带预热与衰减的 Adam，胜过单纯的梯度下降，"
        "也胜过它的每一部分。"
    ),
    # classes
    "Classes as numbers or as one-hot vectors": "类别用编号还是独热向量",
    (
        "A network that regresses on the class number is told that class 1 lies nearer to "
        "class 2 than to class 3. Where the classes have no such order this harms, and "
        "one-hot vectors are the better target; where they have one, the numbers put it to "
        "use."
    ): (
        "把类别编号当作数值来回归，等于告诉网络：第 1 类离第 2 类比离第 3 类近。类别没有这种"
        "顺序时这是有害的，独热向量是更好的目标；有这种顺序时，编号能利用它。"
    ),
    # softmax
    "Softmax exaggerates differences: when?": "softmax 会拉大差距：什么时候？",
    (
        "Softmax turns logits into shares between 0 and 1 that sum to 1, softmax(3, 1, −3) = "
        "(0.88, 0.12, ≈0); on the way it exaggerates differences: the large becomes larger "
        "still. With two classes it is the sigmoid of the difference of the logits."
    ): (
        "softmax 把 logits 变成介于 0 与 1、总和为 1 的份额，softmax(3, 1, −3) = (0.88, "
        "0.12, ≈0)；同时它会拉大差距：大的变得更大。只有两类时，它就是两个 logit 之差的 "
        "sigmoid。"
    ),
    # cross_entropy
    "Cross-entropy against squared error for classes": "分类用交叉熵还是平方误差",
    (
        "For classification minimise cross-entropy, not the squared error of the softmax: "
        "where the network is wrong with confidence, cross-entropy is steep and the squared "
        "error flat, so that training by the squared error is stuck there, at a large loss."
    ): (
        "分类时应最小化交叉熵，而不是 softmax 的平方误差：网络错得很有把握的地方，交叉熵很陡"
        "而平方误差很平，所以用平方误差训练会卡在那里，损失很大。"
    ),
    # likelihood
    "Minimising cross-entropy is maximising likelihood": "最小化交叉熵就是最大化似然",
    (
        "Minimising the cross-entropy is exactly maximising the likelihood of the data: the "
        "two have the same optimum. On data drawn from a known model it therefore finds that "
        "model again, up to the chance of the sample."
    ): (
        "最小化交叉熵与最大化数据的似然完全相同：两者的最优点一样。因此对于由已知模型产生的数"
        "据，除了样本的偶然性，它会把那个模型重新找出来。"
    ),
    # features
    "Feature normalisation: from a ravine to a bowl": "特征标准化：从峡谷到碗",
    (
        "Features of different sizes make an error surface that is steep in some directions "
        "and flat in others; bringing each feature to mean 0 and standard deviation 1 makes "
        "the surface rounder, and gradient descent needs fewer updates to the same loss."
    ): (
        "大小不同的特征使误差曲面在一些方向很陡、在另一些方向很平；把每个特征变成均值 0、标准"
        "差 1，曲面会更圆，梯度下降用更少的更新就能达到同样的损失。"
    ),
    # batch_norm
    "Batch norm: faster training, larger learning rates": "批次标准化：训练更快，学习率更大",
    (
        "Batch norm makes training faster: the same network with it needs fewer updates to a "
        "given training loss, trains at larger learning rates and greater depth, with "
        "sigmoids too, and classifies unseen data no worse."
    ): (
        "批次标准化使训练更快：同一个网络用了它，达到给定训练损失所需的更新更少，能用更大的学"
        "习率、更深的网络，用 sigmoid 也行，而且对未见过的数据分类并不更差。"
    ),
    # running_statistics
    "Batch norm in testing: running statistics": "测试时的批次标准化：移动平均",
    (
        "In testing there is no batch, so batch norm uses moving averages collected in "
        "training, μ̄ ← p·μ̄ + (1 − p)·μᵗ and the same for the variance, with p = 0.1 in "
        "PyTorch; the network then classifies as well as with statistics of the whole "
        "training set."
    ): (
        "测试时没有批次，所以批次标准化改用训练中累积的移动平均，μ̄ ← p·μ̄ + (1 − p)·μᵗ，方差"
        "也一样，在 PyTorch 中 p = 0.1；此时网络的分类与使用整个训练集的统计量一样好。"
    ),
    # why_batch_norm
    "Why batch norm helps": "批次标准化为什么有用",
    (
        "Batch norm does not help by keeping the inputs of the layers steady: the internal "
        "covariate shift hardly differs with it, and a network trains as well when noise "
        "after batch norm shifts those inputs on purpose. It helps because the error surface "
        "becomes smoother: the gradient predicts the gradients ahead better, and the Hessian "
        "is better conditioned."
    ): (
        "批次标准化的作用不在于让各层的输入保持稳定：有没有它，内部协变量偏移几乎一样；在它之"
        "后故意加上噪声使输入漂移，网络照样训练得好。它有用是因为误差曲面变得更平滑：梯度更能"
        "预测前方的梯度，海森矩阵的条件更好。"
    ),
    # scale_invariance
    "Batch norm forgets the length of the weights": "批次标准化忘记了权重的长度",
    (
        "In training mode batch norm makes the loss independent of the length of the weights "
        "before it: for each neuron w·g = 0 and Hw = −g, up to the ε in the denominator, and "
        "a bias before batch norm has gradient 0 and zero rows in the Hessian. So plain "
        "gradient steps can only lengthen w, and its effective learning rate is η/‖w‖²."
    ): (
        "在训练模式下，批次标准化使损失与它前面权重的长度无关：对每个神经元 w·g = 0 且 Hw = −"
        "g（只差分母中的 ε），它前面的偏置梯度为 0，在海森矩阵中的行也为零。所以单纯的梯度步"
        "只会使 w 变长，有效学习率是 η/‖w‖²。"
    ),
    # clinic
    "The doctor names the illness of a sick network": "医生说出生病网络的病名",
    (
        "A network that does not train can be told why: of networks with one planted illness "
        "each the doctor names the illness, and of healthy networks it finds nothing."
    ): (
        "可以告诉一个训练不起来的网络原因：对各植入一种病的网络，医生说出病名；对健康的网络，"
        "它什么也查不出。"
    ),
    # lab/clinic/clinic
    "no run": "没有运行",
    "There is no run.": "没有任何运行。",
    "{named}/{sick} illnesses named, {silent}/{healthy} healthy silent": (
        "说出 {named}/{sick} 个病名，{silent}/{healthy} 个健康者无误报"
    ),
    (
        "{patients} patients, {n} examinations each: the planted illness is among the "
        "findings in {named} of {sick} examinations of the sick, with {others:.1f} further "
        "findings on average; {silent} of {healthy} examinations of the healthy end without "
        "a finding."
    ): (
        "{patients} 个病人，每人检查 {n} 次：在 {sick} 次对生病网络的检查中，有 {named} 次的"
        "诊断包含植入的病，平均另有 {others:.1f} 个诊断；在 {healthy} 次对健康网络的检查中，"
        "有 {silent} 次没有任何诊断。"
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
    "Measured {when}, {seconds:.1f} s a run, with": (
        "测量于 {when}，每次运行 {seconds:.1f} 秒，使用"
    ),
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
    "Over the seeds {seeds}: mean, standard deviation (n − 1), smallest and largest, runs.": (
        "对种子 {seeds}：平均、标准差（n − 1）、最小与最大、运行次数。"
    ),
    # lab/report/front
    "one experiment, one lecture": "一个实验，一讲",
    "these pages again from the saved measurements": "由保存的测量重新生成这些页面",
    "what there is": "有哪些实验",
    "Last measured {when}.": "最近一次测量：{when}。",
    "The measurements lie beside these pages as JSON, one file an experiment, in": (
        "测量以 JSON 保存在这些页面旁边，每个实验一个文件，位于"
    ),
    "Run it yourself": "自己运行",
    "Where this was measured": "在哪里测量的",
    "Nothing is measured yet.": "还没有任何测量。",
    "Why will a network not train?": "类神经网络训练不起来怎么办？",
    (
        "What five lectures claim about training neural networks, measured with minigrad. "
        "Each experiment states its claim and what would refute it; the verdict is computed "
        "from the measurement."
    ): (
        "五讲课程对训练神经网络的论断，用 minigrad 测量。每个实验写明论断以及什么会推翻它；结"
        "论由测量计算得出。"
    ),
    "Other pages": "其他页面",
    "the commands, the data, the machine": "命令、数据、机器",
    "No.": "编号",
    "Figure": "图",
    "Verdicts": "结论",
    "{n} claims:": "{n} 个论断：",
    "every experiment, in a few minutes; what is done is not repeated": (
        "所有实验，几分钟；已完成的不再重复"
    ),
    "more seeds, longer runs, the largest data set at hand": (
        "更多种子，更长的运行，手边最大的数据集"
    ),
    # lab/report/html
    (
        "minigrad {version} (engine {engine}, CPU level {level}), Python {python}, "
        "{machine}, {cores} cores"
    ): (
        "minigrad {version}（引擎 {engine}，CPU 级别 {level}），Python {python}，{machine}，"
        "{cores} 核"
    ),
    # lab/report/pages
    "six error surfaces, seven methods: watch where they go": (
        "六种误差曲面，七种方法：看它们走向哪里"
    ),
    "sick networks, and what the doctor says of them": "生病的网络，以及医生怎么说",
    # lab/doctor/page
    "Figures": "图",
    # lab/playground/page
    "All claims": "所有论断",
    "The optimizer playground": "优化器游乐场",
    # lab/p5/saddle
    "λ = −2, 2 at the saddle; 0, 4 at the minimum": "鞍点 λ = −2, 2；最小值 0, 4",
    "Confirmed: {facts}.": "已证实：{facts}。",
    "the gradient at the origin is zero": "原点的梯度为零",
    "the Hessian at the origin is [[0, −2], [−2, 0]]": "原点的海森矩阵是 [[0, −2], [−2, 0]]",
    "its eigenvalues are −2 and 2": "它的特征值是 −2 与 2",
    "the eigenvector of −2 is (1, 1)/√2": "−2 的特征向量是 (1, 1)/√2",
    "gradient descent ends in the saddle": "梯度下降停在鞍点",
    "momentum ends in the saddle": "动量停在鞍点",
    "the eigenvector step lowers the loss": "沿特征向量的一步使损失下降",
    "descent goes on from there to a minimum": "从那里继续下降到达最小值",
    (
        "The step is a local promise: s·(1, 1) gives L = {below:.2f} at s = 1.4 but "
        "{above:.2f} at s = 1.5, more than the saddle's {start:g}."
    ): (
        "这一步只是局部的承诺：s·(1, 1) 在 s = 1.4 时 L = {below:.2f}，在 s = 1.5 时却是 "
        "{above:.2f}，高于鞍点的 {start:g}。"
    ),
    (
        "The signs do not recognise the minimum (1, 1): its eigenvalues are {low:g} and "
        "{high:g}, n₊/n₀/n₋ = {inertia}, “{kind}”. The minima are a curve, so no point of "
        "this surface has positive eigenvalues alone."
    ): (
        "符号认不出最小值 (1, 1)：它的特征值是 {low:g} 与 {high:g}，n₊/n₀/n₋ = {inertia}，“"
        "{kind}”。最小值是一条曲线，所以这个曲面上没有一点的特征值全为正。"
    ),
    (
        "The trap is thin: {free} of {all} starts pushed off the line w₁ = −w₂ left the "
        "saddle unaided, after {least} to {most} updates."
    ): (
        "陷阱很薄：被推离直线 w₁ = −w₂ 的 {all} 个起点中，有 {free} 个自己离开了鞍点，用了 "
        "{least} 至 {most} 次更新。"
    ),
    # lab/p5/taylor
    "order {three:.2f} in networks, {four:.2f} at the saddle": (
        "网络中为 {three:.2f} 阶，鞍点为 {four:.2f} 阶"
    ),
    (
        "{point}: the error grows with the power {median:.3f} of the step (median of {count} "
        "directions, {low:.2f} to {high:.2f}), where the series promises {expected}."
    ): (
        "{point}：误差随步长的 {median:.3f} 次方增长（{count} 个方向的中位数，{low:.2f} 至 "
        "{high:.2f}），级数承诺的是 {expected}。"
    ),
    (
        "It is a local statement: in {n} of {all} directions from the networks the error "
        "passes a tenth of the true change within a tenth of the weights' norm; soonest at "
        "length {far:.2g} of {norm:.1f}, where the loss had changed by {change:.1e}."
    ): (
        "这是局部的说法：从网络出发的 {all} 个方向中，有 {n} 个在权重范数的十分之一以内，误差"
        "就超过真实变化的十分之一；最早在长度 {far:.2g}（范数 {norm:.1f}），那时损失变化了 "
        "{change:.1e}。"
    ),
    # lab/p5/minimum_ratio
    "ratio {zero:.2f} at tolerance 0, {wide:.2f} at 1e-3": (
        "比例：容差 0 时 {zero:.2f}，1e-3 时 {wide:.2f}"
    ),
    (
        "After {updates} updates {n} trainings of {parameters} parameters (loss {low:.1e} to "
        "{high:.1e} nats) have {least} to {most} eigenvalues below zero by more than "
        "rounding, the lowest {lowest:.1e} of the highest."
    ): (
        "经过 {updates} 次更新，{n} 次训练（{parameters} 个参数，损失 {low:.1e} 至 "
        "{high:.1e} 奈特）有 {least} 至 {most} 个特征值低于零且超出舍入误差，最低者为最高者的"
        " {lowest:.1e}。"
    ),
    (
        "The ratio is what one counts as zero: on average {values} at the relative "
        "tolerances 0, 1e-12, 1e-6, 1e-3. The slide's 0 to 0.56 names none."
    ): (
        "比例取决于把什么算作零：在相对容差 0、1e-12、1e-6、1e-3 下平均为 {values}。投影片的 "
        "0 至 0.56 没有说明容差。"
    ),
    (
        "These are no critical points: up to {left:.1e} of the first gradient is left, and "
        "‖Hg‖/(‖H‖‖g‖) is as low as {flat:.1e}: the gradient lies in flat directions."
    ): (
        "这些不是临界点：最初的梯度还剩下多达 {left:.1e}，而 ‖Hg‖/(‖H‖‖g‖) 低至 {flat:.1e}："
        "梯度位于平坦的方向上。"
    ),
    # lab/p5/escape
    "rank correlation {rank:.2f}, p = {p:.3f}": "等级相关 {rank:.2f}，p = {p:.3f}",
    (
        "Of {count} critical points of networks with {units} hidden units {saddles} are "
        "saddles; loss and index have the rank correlation {rank:.2f} (p = {p:.3f})."
    ): (
        "在 {units} 个隐藏单元的网络的 {count} 个临界点中，{saddles} 个是鞍点；损失与指数的等"
        "级相关为 {rank:.2f}（p = {p:.3f}）。"
    ),
    (
        "The share of saddles among the critical points found is {shares} for {sizes} hidden "
        "units."
    ): "找到的临界点中鞍点所占的份额，对 {sizes} 个隐藏单元为 {shares}。",
    (
        "From beside the saddle, in equal updates, saddle-free Newton ends at {free:.2f} of "
        "its loss, Newton at {newton:.2f}, gradient descent at {descent:.2f}, with momentum "
        "{momentum:.2f}, with noise {noise:.2f} (means of {n} seeds)."
    ): (
        "从鞍点旁边出发，更新次数相同：无鞍牛顿法停在鞍点损失的 {free:.2f}，牛顿法 "
        "{newton:.2f}，梯度下降 {descent:.2f}，带动量 {momentum:.2f}，带噪声 {noise:.2f}（"
        "{n} 个种子的平均）。"
    ),
    (
        "In a ReLU network no layer's own block has negative curvature (lowest eigenvalue "
        "{layers:.0e} of the highest), the whole Hessian has (down to {whole:.2f}): it all "
        "lies between layers."
    ): (
        "在 ReLU 网络中，没有一层自己的块有负曲率（最低特征值为最高的 {layers:.0e}），整个海"
        "森矩阵却有（低至 {whole:.2f}）：负曲率全在层与层之间。"
    ),
    (
        "Negative curvature need not be computed: plain gradient descent, a push of {push:g} "
        "off the saddle, leaves it in {free} of {n} seeds."
    ): (
        "不必计算负曲率：单纯的梯度下降，从鞍点推开 {push:g}，在 {n} 个种子中有 {free} 个离开"
        "了它。"
    ),
    (
        "The way out is dear: a step of saddle-free Newton takes the whole Hessian, {n} "
        "products, where descent takes one gradient."
    ): "出路很贵：无鞍牛顿法的一步需要整个海森矩阵，{n} 次乘积，而下降只需一次梯度。",
    # lab/p5/hessian_cost
    "H: {whole:.0f} gradients at n = {n}, Hv: {product:.1f}": (
        "H：n = {n} 时 {whole:.0f} 次梯度，Hv：{product:.1f}"
    ),
    (
        "At n = {n} the whole Hessian costs {price:.0f} gradients (95 % interval {low:.0f} "
        "to {high:.0f}, {count} seeds) and {memory:.0f} MB; its price grows like n^p with p "
        "= {p:.2f} ({plow:.2f} to {phigh:.2f})."
    ): (
        "在 n = {n}，整个海森矩阵的代价是 {price:.0f} 次梯度（95 % 区间 {low:.0f} 至 "
        "{high:.0f}，{count} 个种子）和 {memory:.0f} MB；代价按 n^p 增长，p = {p:.2f}（"
        "{plow:.2f} 至 {phigh:.2f}）。"
    ),
    (
        "Its memory is 8n² bytes: for a network of a million parameters 8 terabytes, where "
        "the gradient takes 8 megabytes."
    ): "它占用 8n² 字节：对一百万个参数的网络是 8 TB，而梯度只占 8 MB。",
    (
        "Second derivatives are more than the matrix: a product Hv costs {low:.1f} to "
        "{high:.1f} gradients, from n = {first} to n = {last}, with an exponent of {p:.2f}, "
        "and equals the matrix's to {miss:.0e}."
    ): (
        "二阶微分不只是矩阵：从 n = {first} 到 n = {last}，一次乘积 Hv 的代价是 {low:.1f} 至 "
        "{high:.1f} 次梯度，指数 {p:.2f}，与矩阵的乘积一致到 {miss:.0e}。"
    ),
    (
        "{steps} Lanczos steps cost {low:.0f} to {high:.0f} gradients at these n, and find "
        "the largest eigenvalue to {miss:.2g} % in the median, to {worst:.2g} % at worst."
    ): (
        "在这些 n，{steps} 步 Lanczos 的代价是 {low:.0f} 至 {high:.0f} 次梯度，求得的最大特征"
        "值中位误差 {miss:.2g} %，最差 {worst:.2g} %。"
    ),
    # lab/p6/batch_time
    "cost doubles at B = {low:.0f} … {high:.0f}": "代价在 B = {low:.0f} … {high:.0f} 处翻倍",
    (
        "Width {width}, {threads} thread(s): an update takes {a:.0f} µs + {b:.2f} µs a "
        "sample (worst miss {miss:.0f} %). A sample at B = {size} costs {ratio:.3f} × one at "
        "B = 1 (95 % interval {low:.3f} to {high:.3f}, {n} seeds), so an epoch is that much "
        "cheaper."
    ): (
        "宽度 {width}，{threads} 个线程：一次更新用 {a:.0f} µs + 每样本 {b:.2f} µs（最差偏离 "
        "{miss:.0f} %）。B = {size} 时一个样本的代价是 B = 1 时的 {ratio:.3f} 倍（95 % 区间 "
        "{low:.3f} 至 {high:.3f}，{n} 个种子），一个 epoch 就便宜这么多。"
    ),
    "Fetching a shuffled batch costs {a:.0f} µs + {b:.2f} µs a sample on top.": (
        "取一个打乱的批次另外花 {a:.0f} µs + 每样本 {b:.2f} µs。"
    ),
    (
        "Not flat to a thousand here: with width {width} on {threads} thread(s) an update at "
        "B = {size} takes {ratio:.1f} × the time of B = 1 ({low:.1f} to {high:.1f})."
    ): (
        "在这里并非平到一千：宽度 {width}、{threads} 个线程时，B = {size} 的一次更新是 B = 1 "
        "的 {ratio:.1f} 倍时间（{low:.1f} 至 {high:.1f}）。"
    ),
    # lab/p6/batch_training
    "loss × {epochs:.1f} at equal epochs, × {updates:.2f} at updates": (
        "损失：相同 epoch × {epochs:.1f}，相同更新 × {updates:.2f}"
    ),
    (
        "After {what} the full batch has {ratio:.2f} × the training loss of batch {small} "
        "(95 % interval {low:.2f} to {high:.2f}, {n} seeds); training accuracy differs by "
        "{train:+.1f} points, test accuracy by {test:+.1f} ({test_low:+.1f} to "
        "{test_high:+.1f})."
    ): (
        "在{what}之后，整批的训练损失是批次 {small} 的 {ratio:.2f} 倍（95 % 区间 {low:.2f} 至"
        " {high:.2f}，{n} 个种子）；训练准确率相差 {train:+.1f} 点，测试准确率相差 "
        "{test:+.1f}（{test_low:+.1f} 至 {test_high:+.1f}）。"
    ),
    "the same epochs": "相同的 epoch 数",
    "the same modelled time": "相同的模型时间",
    "the same updates": "相同的更新次数",
    (
        "At the same updates the full batch has computed on {times:.0f} × the samples, which "
        "is its price; and the small batch, at its constant rate, keeps the noise of its "
        "batches, which a decaying rate would calm."
    ): (
        "更新次数相同时，整批计算的样本是 {times:.0f} 倍，这是它的代价；而学习率固定的小批次"
        "保留着批次的噪声，衰减的学习率会使它平静。"
    ),
    (
        "The observation is right at equal epochs, the explanation is not: with as many "
        "updates the full batch optimises as well or better. It had too few steps, not bad "
        "ones."
    ): (
        "在相同 epoch 下这个观察是对的，解释却不对：更新次数一样多时，整批的优化一样好甚至更"
        "好。它缺的是步数，而不是步子不好。"
    ),
    # lab/p6/batch_testing
    "test accuracy {mean:+.2f} points, λmax × {ratio:.2f}": (
        "测试准确率 {mean:+.2f} 点，λmax × {ratio:.2f}"
    ),
    (
        "At a training loss of {target:g} nats the small batch classifies {mean:+.2f} points "
        "more of the test part right than the large one (95 % interval {low:+.2f} to "
        "{high:+.2f}, {n} seeds), rates tuned for each."
    ): (
        "在训练损失 {target:g} 奈特处，小批次对测试数据的准确率比大批次高 {mean:+.2f} 点（95 "
        "% 区间 {low:+.2f} 至 {high:+.2f}，{n} 个种子），学习率各自调过。"
    ),
    (
        "λmax at the large batch's solution is {ratio:.2f} × the small batch's ({low:.2f} to "
        "{high:.2f}); the trace {trace:.2f} ×, Keskar's sharpness {sharp:.2f} ×."
    ): (
        "大批次解的 λmax 是小批次的 {ratio:.2f} 倍（{low:.2f} 至 {high:.2f}）；迹是 "
        "{trace:.2f} 倍，Keskar 的尖锐度是 {sharp:.2f} 倍。"
    ),
    (
        "Rescaled as by Dinh et al., the very same networks (logits equal to {change:.0e}) "
        "have {low:.0f} to {high:.0f} × the λmax: sharpness belongs to the weights, not to "
        "the function that generalises."
    ): (
        "按 Dinh 等人的方法缩放后，完全相同的网络（logits 一致到 {change:.0e}）的 λmax 变成 "
        "{low:.0f} 至 {high:.0f} 倍：尖锐度属于权重，而不属于泛化的那个函数。"
    ),
    "The intervals leave both open; `minigrad lab batch_testing --full` takes more seeds.": (
        "区间使两者都未定；`minigrad lab batch_testing --full` 取更多种子。"
    ),
    # lab/p6/noise
    "left: SGD {sgd} of {n}, gradient descent {gd}": "离开：SGD {sgd}/{n}，梯度下降 {gd}",
    (
        "Both starts are critical points to rounding, ‖g‖ ≤ {gradient:.0e}, and saddles: the "
        "smallest eigenvalue lies in {low:.2f} … {high:.2f}."
    ): (
        "两个起点在舍入误差内都是临界点，‖g‖ ≤ {gradient:.0e}，而且是鞍点：最小特征值在 "
        "{low:.2f} … {high:.2f} 之间。"
    ),
    (
        "Within {updates} updates from unequal units SGD left in {sgd} of {n} seeds, matched "
        "Gaussian noise in {matched}, isotropic noise in {isotropic}, one push of {push:g} "
        "in {pushed}, gradient descent in {gd}."
    ): (
        "从不相等的单元出发，{updates} 次更新内离开的种子数（共 {n}）：SGD {sgd}，匹配的高斯"
        "噪声 {matched}，各向同性噪声 {isotropic}，推一次 {push:g} {pushed}，梯度下降 {gd}。"
    ),
    (
        "Gradient descent pulled the units apart by at most {apart:.0e}: rounding errors "
        "grow by the factor 1 + η|λ| an update, and would free it in the end."
    ): (
        "梯度下降使两个单元至多分开 {apart:.0e}：舍入误差每次更新增长 1 + η|λ| 倍，最终会使它"
        "离开。"
    ),
    (
        "SGD takes {ratio:.2f} × the updates of Gaussian noise with its covariance (95 % "
        "interval {low:.2f} to {high:.2f})."
    ): (
        "SGD 所需的更新是具有其协方差的高斯噪声的 {ratio:.2f} 倍（95 % 区间 {low:.2f} 至 "
        "{high:.2f}）。"
    ),
    (
        "Not every saddle: from two units that are alike SGD left in {sgd} of {n} seeds and "
        "matched noise in {matched}, isotropic noise in {isotropic}. The noise of samples "
        "has the symmetry of the network and no component along the way out."
    ): (
        "并非每个鞍点：从两个相同的单元出发，{n} 个种子中 SGD 离开 {sgd} 个，匹配的噪声 "
        "{matched} 个，各向同性噪声 {isotropic} 个。样本的噪声具有网络的对称性，在出路方向上"
        "没有分量。"
    ),
    # lab/p6/momentum
    "passes from λ = {low:.3f} … {high:.3f}": "从 λ = {low:.3f} … {high:.3f} 起越过",
    (
        "In {n} trainings of a network the movement equals −η Σ λ^(t−i) g_i to {x:.0e}; the "
        "newest gradient alone gives {share:.0f} % of the last movement's length."
    ): (
        "在一个网络的 {n} 次训练中，移动量等于 −η Σ λ^(t−i) g_i，精确到 {x:.0e}；单是最新的梯"
        "度只给出最后移动量长度的 {share:.0f} %。"
    ),
    (
        "On the hill-and-valley curve all {starts} starts stay in the local minimum without "
        "momentum, and each passes the hill with some λ; from the first start of each seed "
        "the critical λ at η = {rate:g} is {low:.4f} to {high:.4f}."
    ): (
        "在有山有谷的曲线上，没有动量时全部 {starts} 个起点都停在局部最小值，而每个起点都有某"
        "个 λ 能越过山丘；对每个种子的第一个起点，η = {rate:g} 时的临界 λ 为 {low:.4f} 至 "
        "{high:.4f}。"
    ),
    (
        "More is not better: of the λ above the critical one {share:.0f} % end in the local "
        "minimum again, having crossed the hill both ways."
    ): "并非越大越好：超过临界值的 λ 中，{share:.0f} % 又停在局部最小值，因为来回越过了山丘。",
    (
        "The rule has two readings: at a constant rate the lecture's and PyTorch's are "
        "{same:.0e} apart, but {cut:.1f} % of the way once the rate is cut to {factor:g} of "
        "it, since PyTorch keeps η outside the sum."
    ): (
        "这条规则有两种读法：学习率固定时，课程的与 PyTorch 的相差 {same:.0e}；一旦学习率降到"
        " {factor:g} 倍，就相差路程的 {cut:.1f} %，因为 PyTorch 把 η 放在总和之外。"
    ),
    # lab/p7/stuck
    "promised/loss: {each}": "承诺/损失：{each}",
    "{arm} {ratio:.2g}": "{arm} {ratio:.2g}",
    (
        "{arm}: over the window the loss fell by {fall:.0f} % (mean of {n} seeds), while the "
        "slope promised {promise:.3g} × the loss (95 % interval {low:.3g} to {high:.3g}); "
        "the gradient's norm was {norm:.1f} % of that at the start, η λmax / 2 was "
        "{edge:.2f}."
    ): (
        "{arm}：在观察窗内损失下降 {fall:.0f} %（{n} 个种子的平均），而斜率承诺的是损失的 "
        "{promise:.3g} 倍（95 % 区间 {low:.3g} 至 {high:.3g}）；梯度范数是开始时的 "
        "{norm:.1f} %，η λmax / 2 为 {edge:.2f}。"
    ),
    (
        "{arm}: along the gradient the curvature is {bend:.2f} of the steepest there is: it "
        "points across the valley, at the wall. In the updates that followed, a tenth of the "
        "rate changed the loss by {tenth:+.0f} %, the same rate by {same:+.0f} %."
    ): (
        "{arm}：沿梯度的曲率是最陡方向的 {bend:.2f}：梯度横越山谷，指向谷壁。在随后的更新中，"
        "十分之一的学习率使损失变化 {tenth:+.0f} %，原学习率使其变化 {same:+.0f} %。"
    ),
    (
        "{arm}: here the loss is slow because the gradient is small, so the gradient must be "
        "looked at before it is blamed."
    ): "{arm}：这里损失慢是因为梯度小，所以先要看梯度，才能怪它。",
    # lab/p7/valley
    "at ({b:.2f}, {w:.3f}); the optimum is ({b0:.2f}, {w0:.3f})": (
        "停在 ({b:.2f}, {w:.3f})；最优点是 ({b0:.2f}, {w0:.3f})"
    ),
    (
        "Both eigenvalues are positive, {low:.2f} and {high:.3e}: the surface is convex, and "
        "{condition:,.0f} times as steep across the valley as along it."
    ): (
        "两个特征值都为正，{low:.2f} 与 {high:.3e}：曲面是凸的，横越山谷的陡度是沿谷方向的 "
        "{condition:,.0f} 倍。"
    ),
    (
        "{updates:,} updates with η = {rate:g} end at ({b:.2f}, {w:.3f}); the first {real:,} "
        "were really made and differ from the linear map by {difference:.0e} of the way."
    ): (
        "η = {rate:g} 的 {updates:,} 次更新停在 ({b:.2f}, {w:.3f})；其中前 {real:,} 次是真正"
        "做的，与线性映射相差路程的 {difference:.0e}。"
    ),
    (
        "From {starts} starts no rate of the grid leaves less than {least:.0f} % of the "
        "distance; the best, η = {rate}, is just below the stability limit 2/λmax = "
        "{limit:.3e}."
    ): (
        "从 {starts} 个起点出发，网格中没有一个学习率剩下的距离少于 {least:.0f} %；最好的 η "
        "= {rate} 恰好低于稳定极限 2/λmax = {limit:.3e}。"
    ),
    "One Newton step, a rate of its own for each direction, leaves {newton:.1g} of it.": (
        "牛顿法走一步，即每个方向用自己的学习率，只剩 {newton:.1g}。"
    ),
    (
        "η = {rate:g} does not swing from wall to wall, it diverges: the loss grows by "
        "10^{growth:.1f} in every update and overflows after {count}."
    ): (
        "η = {rate:g} 不是在两壁之间摆动，而是发散：每次更新损失增大 10^{growth:.1f} 倍，"
        "{count} 次之后溢出。"
    ),
    # lab/p7/adagrad
    "bursts from {burst}/{starts} starts; Adagrad {sums}/{all_sums}": (
        "{burst}/{starts} 个起点喷发；Adagrad {sums}/{all_sums}"
    ),
    (
        "The lecture's rule with η = {rate} leaves at most {left:.1f} % of the way after "
        "{updates:,} updates, from {starts} starts; {burst} of them burst on the way."
    ): (
        "课程的规则取 η = {rate}，从 {starts} 个起点经过 {updates:,} 次更新，最多剩下路程的 "
        "{left:.1f} %；其中 {burst} 个在途中喷发。"
    ),
    (
        "From the lecture's start the bursts begin at updates {first}; before each the "
        "effective rate had passed the stability limit (ratio at least {least:.2f})."
    ): (
        "从课程的起点，喷发始于第 {first} 次更新；每次之前有效学习率都已超过稳定极限（比值至"
        "少 {least:.2f}）。"
    ),
    (
        "Adagrad as published is that rule with the decay η/√(t+1) already inside: the two "
        "differ by {identity:.0e} of the distance."
    ): "发表的 Adagrad 就是这条规则，其中已含衰减 η/√(t+1)：两者相差距离的 {identity:.0e}。",
    (
        "The decay has its price: with η = {start} Adagrad still has {slow:.0f} % of the way "
        "to go. At its best rate of the grid, {best_sum}, it leaves {sums:.2g} %, the "
        "lecture's at its best, {best_mean}, {means:.2g} %."
    ): (
        "衰减有代价：η = {start} 时 Adagrad 还有 {slow:.0f} % 的路要走。用网格中最好的学习率 "
        "{best_sum}，它剩下 {sums:.2g} %；课程的规则用最好的 {best_mean}，剩下 {means:.2g} %"
        "。"
    ),
    (
        "The mean leaves {ratio:.2f} × as much as the sum (95 % interval {low:.2f} to "
        "{high:.2f}, {n} seeds)."
    ): (
        "取平均剩下的是取总和的 {ratio:.2f} 倍（95 % 区间 {low:.2f} 至 {high:.2f}，{n} 个种子）。"
    ),
    (
        "Adagrad as published burst in none of {all_sums} runs over all rates: its sum only "
        "grows. The bursts are those of the mean, not of Adagrad."
    ): (
        "发表的 Adagrad 在所有学习率的 {all_sums} 次运行中从未喷发：它的总和只增不减。喷发属"
        "于取平均，而不属于 Adagrad。"
    ),
    # lab/p7/rmsprop
    "Adagrad/RMSProp: {inner:.2f} × the updates (outer wall {outer:.2f})": (
        "Adagrad/RMSProp：更新次数之比 {inner:.2f}（外壁 {outer:.2f}）"
    ),
    (
        "From the {wall} wall: {parts}; Adagrad takes {ratio:.2f} × the updates of RMSProp "
        "(95 % interval {low:.2f} to {high:.2f}, {n} seeds; who does not get there counts as "
        "{updates:,})."
    ): (
        "从 {wall} 壁出发：{parts}；Adagrad 的更新次数是 RMSProp 的 {ratio:.2f} 倍（95 % 区间"
        " {low:.2f} 至 {high:.2f}，{n} 个种子；没到达的按 {updates:,} 计）。"
    ),
    "{method} {mean:.0f} updates ({reached:.0f} % got there)": (
        "{method} {mean:.0f} 次更新（{reached:.0f} % 到达）"
    ),
    (
        "The lecture's first step has the length η; PyTorch's, which starts with v = 0, "
        "{most:.2f} η at α = {alpha}, which is η/√(1 − α) = {theory:.2f} η."
    ): (
        "课程的第一步长度为 η；PyTorch 从 v = 0 开始，在 α = {alpha} 时第一步最长 {most:.2f} "
        "η，即 η/√(1 − α) = {theory:.2f} η。"
    ),
    # lab/p7/adam
    "identity to {exact:.0e}; defaults {gap:+.1f} points from best": (
        "恒等式精确到 {exact:.0e}；预设值与最好相差 {gap:+.1f} 点"
    ),
    (
        "A weighted mean of g over the root of a weighted mean of g² is the engine's Adam: "
        "their updates differ by at most {exact:.1e} of their length over {updates} updates. "
        "With β₁ = 0 Adam is RMSprop at the rate η√(1 − β₂ᵗ), to {still:.1e}."
    ): (
        "g 的加权平均除以 g² 加权平均的平方根，就是引擎的 Adam：{updates} 次更新中两者的差至"
        "多是更新长度的 {exact:.1e}。β₁ = 0 时 Adam 就是学习率为 η√(1 − β₂ᵗ) 的 RMSprop，精确"
        "到 {still:.1e}。"
    ),
    (
        "On the images the defaults reach {gap:+.2f} points of test accuracy (95 % interval "
        "{low:+.2f} to {high:+.2f}, {n} seeds) against the setting of the sweep that "
        "validates best."
    ): (
        "在图像上，预设值的测试准确率与验证最好的设定相差 {gap:+.2f} 点（95 % 区间 "
        "{low:+.2f} 至 {high:+.2f}，{n} 个种子）。"
    ),
    (
        "Rates from {least:g} to {most:g} reach a mean test accuracy within two points of "
        "the best one's."
    ): "学习率从 {least:g} 到 {most:g}，平均测试准确率都在最好者的两点以内。",
    (
        "The words must be exact: RMSprop with PyTorch's momentum sums g/σ up and is another "
        "rule. It ends at least {apart:.1f} × Adam's way from Adam; fed one sequence of "
        "{count} gradients it goes to {rms:.2f}, Adam to {adam:.3f}."
    ): (
        "话要说准：PyTorch 带动量的 RMSprop 累加的是 g/σ，是另一条规则。它的终点离 Adam 至少"
        "是 Adam 所走路程的 {apart:.1f} 倍；给同一串 {count} 个梯度，它走到 {rms:.2f}，Adam "
        "走到 {adam:.3f}。"
    ),
    (
        "After {count} updates the validation loss of the defaults is {ratio:.2f} × that of "
        "the best rate ({low:.2f} to {high:.2f}): η = 0.001 is slow here."
    ): (
        "{count} 次更新之后，预设值的验证损失是最好学习率的 {ratio:.2f} 倍（{low:.2f} 至 "
        "{high:.2f}）：η = 0.001 在这里很慢。"
    ),
    # lab/p7/schedule
    "bursts {before} → {after}; warm-up × {loss:.2f} loss": (
        "喷发 {before} → {after}；预热使损失 × {loss:.2f}"
    ),
    (
        "On the valley the root-mean rule at constant η bursts {count} times in {updates} "
        "updates (at {at}), with η/√(t+1) {decayed} times; with that decay it is the "
        "engine's Adagrad to {apart:.0e} of the way."
    ): (
        "在山谷上，η 固定的均方根规则在 {updates} 次更新中喷发 {count} 次（在 {at}），用 η/√"
        "(t+1) 则 {decayed} 次；有了这个衰减，它就是引擎的 Adagrad，相差路程的 {apart:.0e}。"
    ),
    (
        "Calm is not speed: at η = {rate:g} it ends {slow:.0f} from the best b, at a hundred "
        "times that rate {fast:.2g}, with {bursts} bursts."
    ): (
        "平静不等于快：η = {rate:g} 时它停在离最优 b 还有 {slow:.0f} 处，用一百倍的学习率则为"
        " {fast:.2g}，喷发 {bursts} 次。"
    ),
    (
        "{name}: final training loss with warm-up (best η {on:g}) is {r:.2f} × that without "
        "(best η {off:g}; 95 % interval {low:.2f} to {high:.2f}, {n} seeds). At the largest "
        "rate, η = {largest:g}, the losses are {loss_on:.3g} and {loss_off:.3g} nats."
    ): (
        "{name}：有预热（最好的 η {on:g}）的最终训练损失是没有预热（最好的 η {off:g}）的 "
        "{r:.2f} 倍（95 % 区间 {low:.2f} 至 {high:.2f}，{n} 个种子）。在最大的学习率 η = "
        "{largest:g}，损失分别为 {loss_on:.3g} 与 {loss_off:.3g} 奈特。"
    ),
    "Attention network": "注意力网络",
    "Residual network": "残差网络",
    "For the residual network no gain by warm-up is shown.": "对残差网络，看不出预热的好处。",
    # lab/p7/warmup
    "attention: warm-up × {warm:.2f}, RAdam × {radam:.2f} loss": (
        "注意力：损失 预热 × {warm:.2f}，RAdam × {radam:.2f}"
    ),
    (
        "On drawn gradients (β₂ = {beta2:g}) Var[1/σ̂]/mean² is {early:.2g} at update {t}, "
        "{late:.2g} at the end, {fold:.0f} × less (RAdam's formula there: {formula:.2g} and "
        "{formula_late:.2g}); on a network's own gradients it is {own:.2g} × that of drawn "
        "ones at update {t} ({low:.2g} to {high:.2g})."
    ): (
        "对抽取的梯度（β₂ = {beta2:g}），Var[1/σ̂]/平均² 在第 {t} 次更新为 {early:.2g}，最后"
        "为 {late:.2g}，小了 {fold:.0f} 倍（RAdam 的公式在那里给出 {formula:.2g} 与 "
        "{formula_late:.2g}）；对网络自己的梯度，在第 {t} 次更新它是抽取者的 {own:.2g} 倍（"
        "{low:.2g} 至 {high:.2g}）。"
    ),
    (
        "The engine's RAdam, as PyTorch's, divides by σ from ρ > 5 on, at β₂ = 0.999 the "
        "update {engine}; the paper's ρ > 4 would begin at update {paper}."
    ): (
        "引擎的 RAdam 与 PyTorch 一样，从 ρ > 5 开始除以 σ，在 β₂ = 0.999 时是第 {engine} 次"
        "更新；论文的 ρ > 4 会从第 {paper} 次更新开始。"
    ),
    (
        "{name}: the final training loss of {arm} (best η {own:g}) is {r:.2f} × that of Adam "
        "(best η {other:g}; 95 % interval {low:.2f} to {high:.2f}, {n} seeds)."
    ): (
        "{name}：{arm}（最好的 η {own:g}）的最终训练损失是 Adam（最好的 η {other:g}）的 "
        "{r:.2f} 倍（95 % 区间 {low:.2f} 至 {high:.2f}，{n} 个种子）。"
    ),
    "MLP": "多层感知机",
    (
        "At one rate, η = {rate:g}, the attention network ends at {adam:.2g} nats by Adam, "
        "{warmed:.2g} with warm-up, {radam:.2g} by RAdam (geometric means)."
    ): (
        "在同一学习率 η = {rate:g} 下，注意力网络的最终损失：Adam {adam:.2g} 奈特，有预热 "
        "{warmed:.2g}，RAdam {radam:.2g}（几何平均）。"
    ),
    "For the {name}, no gain of {arm} over Adam is shown.": "对{name}，看不出 {arm} 比 Adam 好。",
    "attention network": "注意力网络",
    # lab/p7/optimizers
    "full formula: × {r:.2f} the loss of plain descent": "完整公式：损失是单纯下降的 {r:.2f} 倍",
    (
        "One formula, five settings: gradient descent, momentum, Adagrad, RMSProp and Adam "
        "of the engine are its instances, to {exact:.1e} of an update."
    ): (
        "一个公式，五种设定：引擎的梯度下降、动量、Adagrad、RMSProp 与 Adam 都是它的特例，精"
        "确到一次更新的 {exact:.1e}。"
    ),
    (
        "On the images the training loss of the full formula (Adam, warm-up, decay) is "
        "{parts} (95 % intervals, {n} seeds); mean test accuracy {full:.1f} % against "
        "{plain:.1f} % of gradient descent."
    ): (
        "在图像上，完整公式（Adam、预热、衰减）的训练损失是 {parts}（95 % 区间，{n} 个种子）"
        "；平均测试准确率 {full:.1f} %，梯度下降为 {plain:.1f} %。"
    ),
    "{r:.2f} × that of {name} ({low:.2f} to {high:.2f})": (
        "{name} 的 {r:.2f} 倍（{low:.2f} 至 {high:.2f}）"
    ),
    "On the {surface}, updates until settled ({budget}: not within the budget): {parts}.": (
        "在{surface}上，稳定下来所需的更新次数（{budget}：预算内没有）：{parts}。"
    ),
    "{name} {count:.0f}": "{name} {count:.0f}",
    "On the images the full formula is not shown to train better than {names}.": (
        "在图像上，看不出完整公式比 {names} 训练得更好。"
    ),
    "{name}": "{name}",
    "On the {surface} fewer updates than the full formula takes: {names}.": (
        "在{surface}上，比完整公式所需更新更少的是：{names}。"
    ),
    # lab/p8/classes
    "{d:+.0f} points of accuracy on images": "图像准确率 {d:+.0f} 点",
    (
        "{table}: test accuracy {first:.1f} % with numbers, {second:.1f} % with one-hot "
        "vectors; difference {d:+.1f} points (95 % interval {low:+.1f} to {high:+.1f}, {n} "
        "seeds)."
    ): (
        "{table}：测试准确率用编号 {first:.1f} %，用独热向量 {second:.1f} %；相差 {d:+.1f} 点"
        "（95 % 区间 {low:+.1f} 至 {high:+.1f}，{n} 个种子）。"
    ),
    "Images": "图像",
    "Wine": "葡萄酒",
    (
        "Diabetes in {bins} ordered classes: mean absolute error of numbers − one-hot "
        "{e:+.3f} classes (95 % interval {e0:+.3f} to {e1:+.3f}), accuracy {a:+.1f} points "
        "({a0:+.1f} to {a1:+.1f})."
    ): (
        "糖尿病分成 {bins} 个有序的类：平均绝对误差，编号 − 独热 {e:+.3f} 类（95 % 区间 "
        "{e0:+.3f} 至 {e1:+.3f}），准确率 {a:+.1f} 点（{a0:+.1f} 至 {a1:+.1f}）。"
    ),
    (
        "What the order is worth: on diabetes, numbers handed out at random raise the error "
        "from {ordered:.2f} to {shuffled:.2f} classes; on images the usual numbers differ "
        "from random ones by {d:+.1f} points of accuracy ({low:+.1f} to {high:+.1f})."
    ): (
        "顺序值多少：在糖尿病数据上，随机分配编号使误差从 {ordered:.2f} 类升到 "
        "{shuffled:.2f} 类；在图像上，通常的编号与随机编号的准确率相差 {d:+.1f} 点（"
        "{low:+.1f} 至 {high:+.1f}）。"
    ),
    (
        "On wine no harm of a point is shown: of three classes the numbers put only one pair "
        "too far apart."
    ): "在葡萄酒数据上看不出一点的损害：三个类中，编号只把一对放得太远。",
    # lab/p8/softmax
    "(3, 1, −3) → ({a:.2f}, {b:.2f}, {c:.4f})": "(3, 1, −3) → ({a:.2f}, {b:.2f}, {c:.4f})",
    (
        "softmax(3, 1, −3) = ({a:.2f}, {b:.2f}, {c:.4f}); over {n} random logits the sum of "
        "the shares differs from 1 by {sum:.1e} at most."
    ): (
        "softmax(3, 1, −3) = ({a:.2f}, {b:.2f}, {c:.4f})；对 {n} 组随机 logits，份额之和与 1 "
        "至多相差 {sum:.1e}。"
    ),
    (
        "Two classes: softmax and sigmoid differ by {v:.1e} in value and {g:.1e} in gradient "
        "at most, in float32 by {v32:.1e} and {g32:.1e}."
    ): (
        "两个类：softmax 与 sigmoid 的值至多相差 {v:.1e}，梯度至多相差 {g:.1e}；float32 中为 "
        "{v32:.1e} 与 {g32:.1e}。"
    ),
    (
        "In practice: an untrained network gives its favourite {before:.0f} % on average "
        "(gap of the two largest logits {gap:.2f}), the trained one {after:.1f} % (95 % "
        "interval {low:.1f} to {high:.1f}, n = {n}; gap {wide:.1f})."
    ): (
        "实际中：未训练的网络平均给它最看好的类 {before:.0f} %（最大两个 logit 之差 {gap:.2f}"
        "），训练后为 {after:.1f} %（95 % 区间 {low:.1f} 至 {high:.1f}，n = {n}；差 "
        "{wide:.1f}）。"
    ),
    (
        "It exaggerates only where the logits are large: of random positive pairs "
        "{share:.0f} % come out closer together than they were, all with a logarithmic mean "
        "(a − b) / ln(a/b) of {most:.3f} or less; theory says 1."
    ): (
        "只有 logits 大的地方它才拉大差距：随机的正数对中 {share:.0f} % 变得更接近，它们的对"
        "数平均 (a − b) / ln(a/b) 都不超过 {most:.3f}；理论值是 1。"
    ),
    (
        "For 3 and 1 the turn is at the factor {s:.2f}: a tenth of the logits, (0.3, 0.1, "
        "−0.3), gives {p:.2f} to {q:.2f}, a ratio of {ratio:.2f} where the logits have 3."
    ): (
        "对 3 与 1，转折在系数 {s:.2f}：十分之一的 logits (0.3, 0.1, −0.3) 得到 {p:.2f} 与 "
        "{q:.2f}，比值 {ratio:.2f}，而 logits 之比是 3。"
    ),
    (
        "What counts is differences, not ratios: (103, 101) gives {p:.2f} and {q:.2f}, as "
        "(3, 1) does, though 103 and 101 are nearly equal."
    ): (
        "要紧的是差而不是比：(103, 101) 得到 {p:.2f} 与 {q:.2f}，与 (3, 1) 一样，虽然 103 与 "
        "101 几乎相等。"
    ),
    # lab/p8/cross_entropy
    "‖∇‖ at (−10, 10): {ce:.3f} against {mse:.3g}": "在 (−10, 10) 的 ‖∇‖：{ce:.3f} 对 {mse:.3g}",
    (
        "At (−10, 10) cross-entropy is {ce:.1f} with a gradient of norm {g:.3f}, the squared "
        "error {mse:.1f}, all but its largest value 2, with {h:.3g}."
    ): (
        "在 (−10, 10)，交叉熵为 {ce:.1f}，梯度范数 {g:.3f}；平方误差为 {mse:.1f}，几乎是它的"
        "最大值 2，梯度范数 {h:.3g}。"
    ),
    "−Σ ŷ log y′ as it is written gives no number there in float32: 0 · log 0.": (
        "照字面写的 −Σ ŷ log y′ 在 float32 中得不到数：0 · log 0。"
    ),
    (
        "Network, {start} (mean cross-entropy {loss:.1f} nats): test accuracy {arms}; "
        "cross-entropy leads by {d:+.1f} points with SGD (95 % interval {d0:+.1f} to "
        "{d1:+.1f}, {n} seeds), {a:+.1f} with Adam ({a0:+.1f} to {a1:+.1f})."
    ): (
        "网络，{start}（平均交叉熵 {loss:.1f} 奈特）：测试准确率 {arms}；用 SGD 时交叉熵领先 "
        "{d:+.1f} 点（95 % 区间 {d0:+.1f} 至 {d1:+.1f}，{n} 个种子），用 Adam 时 {a:+.1f}（"
        "{a0:+.1f} 至 {a1:+.1f}）。"
    ),
    "bad start": "坏的起点",
    "{arm} {accuracy:.1f} %": "{arm} {accuracy:.1f} %",
    "cross-entropy, SGD": "交叉熵，SGD",
    "cross-entropy, Adam": "交叉熵，Adam",
    "squared error, SGD": "平方误差，SGD",
    "squared error, Adam": "平方误差，Adam",
    "usual start": "通常的起点",
    (
        "Adam does leave (−10, 10) by the squared error, in {first} updates, where gradient "
        "descent {sgd}: it divides the gradient by its own size."
    ): (
        "Adam 用平方误差确实能离开 (−10, 10)，用 {first} 次更新，而梯度下降{sgd}：它把梯度除"
        "以梯度自己的大小。"
    ),
    "is not out after {n}": "{n} 次之后还没出来",
    (
        "That rescue ends where the gradient sinks below ε = 1e-8: from a mistake of {gap} "
        "Adam is not out after {n} updates, and with ε = 1e-30 {free}."
    ): (
        "梯度低于 ε = 1e-8 时这种解救就失效：错到 {gap} 时，Adam 在 {n} 次更新后还没出来，而"
        "用 ε = 1e-30 时{free}。"
    ),
    "it takes {k}": "用 {k} 次",
    (
        "From the usual start no gain of a point is shown: an untrained network is not "
        "confident, so it does not start on the plain."
    ): "从通常的起点看不出一点的好处：未训练的网络并不自信，所以不是从平原上开始。",
    # lab/p8/likelihood
    "error ∝ N^{s:.2f}; {held} of {fits} regions hold": (
        "误差 ∝ N^{s:.2f}；{fits} 个区域中 {held} 个成立"
    ),
    (
        "N · cross-entropy and −log Π p differ by {v:.1e}, their gradients by {g:.1e} "
        "(relative, largest of {n} models)."
    ): (
        "N · 交叉熵与 −log Π p 相差 {v:.1e}，它们的梯度相差 {g:.1e}（相对值，{n} 个模型中最大"
        "者）。"
    ),
    "CE(p, q) = H(p) + KL(p‖q) to {d:.1e} nats.": (
        "CE(p, q) = H(p) + KL(p‖q)，精确到 {d:.1e} 奈特。"
    ),
    "On lines through the optimum the likelihood is largest within {d:.3g} of it.": (
        "在穿过最优点的直线上，似然在离它 {d:.3g} 以内最大。"
    ),
    (
        "The distance from the true parameters falls as N to the power {s:.3f} (95 % "
        "interval {low:.3f} to {high:.3f}, {n} models); chance says −½."
    ): (
        "与真实参数的距离按 N 的 {s:.3f} 次方下降（95 % 区间 {low:.3f} 至 {high:.3f}，{n} 个"
        "模型）；偶然性给出 −½。"
    ),
    "At N = {size}, {held} of {fits} confidence regions of level {level:g} hold the truth.": (
        "在 N = {size}，水平 {level:g} 的 {fits} 个置信区域中有 {held} 个包含真值。"
    ),
    (
        "The same on paper, not in a computer: from N = {size} on the product of "
        "probabilities is 0 in float64, with no gradient to follow; only its logarithm can "
        "be optimised."
    ): (
        "纸上相同，电脑里不同：从 N = {size} 起，概率的乘积在 float64 中为 0，没有梯度可循；"
        "只有它的对数可以优化。"
    ),
    # lab/p9/features
    "updates × {least:.2g} or less on each table": "每张表的更新 × {least:.2g} 或更少",
    (
        "{table}: condition number {raw:.2g} raw, {standard:.2g} standardised; updates to a "
        "loss of {target:g}: {first:.0f} and {second:.0f}, ratio {r:.2g} (95 % interval "
        "{low:.2g} to {high:.2g}, {n} seeds){bound}."
    ): (
        "{table}：条件数原始为 {raw:.2g}，标准化后为 {standard:.2g}；到损失 {target:g} 的更新"
        "次数为 {first:.0f} 与 {second:.0f}，比值 {r:.2g}（95 % 区间 {low:.2g} 至 {high:.2g}"
        "，{n} 个种子）{bound}。"
    ),
    "breast cancer": "乳癌",
    ", a bound: raw missed it in {missed} of {n}": (
        "，是一个界：{n} 次中原始特征有 {missed} 次没到达"
    ),
    "wine": "葡萄酒",
    "diabetes": "糖尿病",
    (
        "Rounder, not round: on {table} a condition number of {kappa:.3g} is left, the work "
        "of correlated features; with uncorrelated ones it is {white:.3g}."
    ): (
        "更圆，但不是圆：在{table}上还剩条件数 {kappa:.3g}，是相关的特征造成的；特征不相关时"
        "为 {white:.3g}。"
    ),
    # lab/p9/batch_norm
    "{ratios} updates": "{ratios} 更新",
    "{name} × {ratio:.2f}": "{name} × {ratio:.2f}",
    (
        "{name}: batch norm takes {u:.2f} × the updates to {target:g} nats (95 % interval "
        "{u0:.2f} to {u1:.2f}, {n} seeds) and {s:.2f} × the CPU time ({s0:.2f} to {s1:.2f}); "
        "test accuracy differs by {a:+.2f} points ({a0:+.2f} to {a1:+.2f})."
    ): (
        "{name}：用批次标准化达到 {target:g} 奈特所需的更新是 {u:.2f} 倍（95 % 区间 {u0:.2f} "
        "至 {u1:.2f}，{n} 个种子），CPU 时间是 {s:.2f} 倍（{s0:.2f} 至 {s1:.2f}）；测试准确率"
        "相差 {a:+.2f} 点（{a0:+.2f} 至 {a1:+.2f}）。"
    ),
    (
        "{name} with batch norm, at rates from {least:g} to {most:g}, validates as well as "
        "without it at the best rate ({best})."
    ): (
        "{name} 加批次标准化，学习率从 {least:g} 到 {most:g}，验证都与没有它时最好的学习率（"
        "{best}）一样好。"
    ),
    "{rate:g}": "{rate:g}",
    (
        "{activation}, depth {depth}: the largest rate that trains is {normed} with batch "
        "norm and {plain} without; larger in {count} of {n} seeds."
    ): (
        "{activation}，深度 {depth}：能训练的最大学习率，有批次标准化为 {normed}，没有为 "
        "{plain}；{n} 个种子中 {count} 个更大。"
    ),
    "none": "无",
    "With {name} no gain in time is shown: an update costs more.": (
        "用 {name} 看不出节省时间：一次更新更贵。"
    ),
    (
        "Some of that is a matter of the start: plain ReLU networks of depth {depth} train "
        "in {he} of {n} seeds from He's weights, in {usual} from the default."
    ): (
        "其中一部分是起点的问题：深度 {depth} 的单纯 ReLU 网络，用 He 的权重在 {n} 个种子中有"
        " {he} 个能训练，用预设的有 {usual} 个。"
    ),
    # lab/p9/running_statistics
    "p = {p:.3g}: momentum 0.1 weighs the new batch": "p = {p:.3g}：动量 0.1 是新批次的权重",
    (
        "One batch through a layer of momentum 0.1: μ̄ ← p·μ̄ + (1 − p)·μᵗ with p = {p:.6g}, "
        "and {v:.6g} for the variance if the batch's is the unbiased one (the biased would "
        "give {b:.3g})."
    ): (
        "让一个批次通过动量 0.1 的一层：μ̄ ← p·μ̄ + (1 − p)·μᵗ 的 p = {p:.6g}；方差若取批次的"
        "无偏方差，p 为 {v:.6g}（取有偏的会得到 {b:.3g}）。"
    ),
    "The batch itself is normalised by the biased variance, to {d:.1e}.": (
        "批次本身用有偏方差标准化，精确到 {d:.1e}。"
    ),
    "A batch of one fails in training, with a message, and passes in testing.": (
        "大小为一的批次在训练中失败并给出说明，在测试中通过。"
    ),
    (
        "Batch size {batch}: statistics of the whole training set give {d:+.2f} points of "
        "test accuracy more than running ones of momentum 0.1 (95 % interval {low:+.2f} to "
        "{high:+.2f}, {n} seeds)."
    ): (
        "批次大小 {batch}：整个训练集的统计量比动量 0.1 的移动平均多 {d:+.2f} 点测试准确率（"
        "95 % 区间 {low:+.2f} 至 {high:+.2f}，{n} 个种子）。"
    ),
    (
        "Taking p = 0.1 at its word, which is momentum 0.9, costs {parts}. A negative number "
        "is a gain: after few updates momentum 0.1 has not yet forgotten its start."
    ): (
        "照字面取 p = 0.1，也就是动量 0.9，代价是 {parts}。负数是收益：更新次数少时，动量 "
        "0.1 还没有忘记起点。"
    ),
    "{d:.1f} points at batch size {batch} ({low:.1f} to {high:.1f})": (
        "批次大小 {batch} 时 {d:.1f} 点（{low:.1f} 至 {high:.1f}）"
    ),
    (
        "So p is {p:.3g}, not {lecture:g}: PyTorch's momentum 0.1 is the weight of the new "
        "batch, the lecture's p that of the old average."
    ): (
        "所以 p 是 {p:.3g} 而不是 {lecture:g}：PyTorch 的动量 0.1 是新批次的权重，课程的 p 是"
        "旧平均的权重。"
    ),
    # lab/p9/why_batch_norm
    "shift × {s:.2f}, β × {b:.2f}, κ × {k:.2f}": "偏移 × {s:.2f}，β × {b:.2f}，κ × {k:.2f}",
    (
        "The relative covariate shift is {r:.2f} × that without batch norm at tuned rates "
        "(95 % interval {low:.2f} to {high:.2f}, {n} seeds), and {same:.2f} × at the plain "
        "network's rate ({same_low:.2f} to {same_high:.2f})."
    ): (
        "相对协变量偏移在各自调好的学习率下是没有批次标准化时的 {r:.2f} 倍（95 % 区间 "
        "{low:.2f} 至 {high:.2f}，{n} 个种子），在单纯网络的学习率下是 {same:.2f} 倍（"
        "{same_low:.2f} 至 {same_high:.2f}）。"
    ),
    (
        "With the weakest noise the inputs of a layer drift {normed:.1f} × as far in an "
        "update as with batch norm alone ({plain:.2f} × as far as without), yet training "
        "ends at {r:.2f} × the plain network's loss ({low:.2f} to {high:.2f})."
    ): (
        "加上最弱的噪声，一层的输入在一次更新中的漂移是只有批次标准化时的 {normed:.1f} 倍（是"
        "没有时的 {plain:.2f} 倍），而训练结束时的损失是单纯网络的 {r:.2f} 倍（{low:.2f} 至 "
        "{high:.2f}）。"
    ),
    (
        "Along the gradient the effective β is {r:.2f} × that without batch norm ({low:.2f} "
        "to {high:.2f}; at the plain network's rate {same:.2f} ×), and the smallest cosine "
        "of the gradients ahead is higher by {gain:.2f} ({gain_low:.2f} to {gain_high:.2f})."
    ): (
        "沿梯度的有效 β 是没有批次标准化时的 {r:.2f} 倍（{low:.2f} 至 {high:.2f}；在单纯网络"
        "的学习率下 {same:.2f} 倍），前方梯度的最小余弦高出 {gain:.2f}（{gain_low:.2f} 至 "
        "{gain_high:.2f}）。"
    ),
    (
        "The Hessian's condition, largest over mean |λ|, is {r:.2f} × that without batch "
        "norm ({low:.2f} to {high:.2f}), the largest eigenvalue {top:.2f} × ({top_low:.2f} "
        "to {top_high:.2f})."
    ): (
        "海森矩阵的条件，最大值除以 |λ| 的平均，是没有批次标准化时的 {r:.2f} 倍（{low:.2f} 至"
        " {high:.2f}），最大特征值是 {top:.2f} 倍（{top_low:.2f} 至 {top_high:.2f}）。"
    ),
    (
        "At the plain network's rate batch norm does lower the covariate shift, to "
        "{same:.2f} × (and β to {beta:.2f} ×); at the larger rate that it allows the shift "
        "is {r:.2f} ×, β {r_beta:.2f} ×."
    ): (
        "在单纯网络的学习率下，批次标准化确实降低协变量偏移，到 {same:.2f} 倍（β 到 "
        "{beta:.2f} 倍）；在它所允许的更大学习率下，偏移是 {r:.2f} 倍，β 是 {r_beta:.2f} 倍。"
    ),
    (
        "Noise matters when it is strong: “{arm}” ends at {r:.1f} × the plain network's "
        "loss, where inputs drift {drift:.2f} × as far as without."
    ): (
        "强的噪声是有影响的：“{arm}”结束时的损失是单纯网络的 {r:.1f} 倍，其输入的漂移是没有时"
        "的 {drift:.2f} 倍。"
    ),
    # lab/p9/scale_invariance
    "‖Hw + g‖/‖g‖ = {hessian:.0e} at ε = {eps:.0e}": "‖Hw + g‖/‖g‖ = {hessian:.0e}，ε = {eps:.0e}",
    (
        "In {n} runs, before and after training, the worst neuron has |cos(w, g)| = "
        "{cosine:.1e} and ‖Hw + g‖/‖g‖ = {hessian:.1e} at ε = {eps:g}; both shrink in "
        "proportion to ε (log-log slopes {low:.3f} to {high:.3f})."
    ): (
        "在 {n} 次运行中，训练前后，最差的神经元在 ε = {eps:g} 时 |cos(w, g)| = {cosine:.1e}"
        "，‖Hw + g‖/‖g‖ = {hessian:.1e}；两者都与 ε 成比例地缩小（双对数斜率 {low:.3f} 至 "
        "{high:.3f}）。"
    ),
    (
        "At the default ε = {default:g} they are {default_cosine:.1e} and "
        "{default_hessian:.1e}; what is left of w·g is γ ∂L/∂γ ε/(σ² + ε), to "
        "{predicted:.0e} of ‖w‖‖g‖."
    ): (
        "在预设的 ε = {default:g} 时为 {default_cosine:.1e} 与 {default_hessian:.1e}；w·g 剩"
        "下的是 γ ∂L/∂γ ε/(σ² + ε)，精确到 ‖w‖‖g‖ 的 {predicted:.0e}。"
    ),
    "No bias before batch norm has a gradient or a Hessian entry above {idle:.0e}.": (
        "批次标准化之前的偏置，没有一个的梯度或海森矩阵元素超过 {idle:.0e}。"
    ),
    (
        "Without batch norm and in evaluation mode the worst |cos(w, g)| is at least "
        "{control:.2f}: the identities belong to training mode."
    ): (
        "没有批次标准化以及在评估模式下，最差的 |cos(w, g)| 至少为 {control:.2f}：这些恒等式"
        "属于训练模式。"
    ),
    (
        "Weights {a:g} times as long train differently at the same rate (losses up to "
        "{longer:.0f} % apart) and alike at {aa:g} times the rate ({repaid:.0e} % apart, "
        "{default_repaid:.2g} % at the default ε)."
    ): (
        "长度为 {a:g} 倍的权重，用同一学习率训练就不同（损失相差至多 {longer:.0f} %），用 "
        "{aa:g} 倍的学习率则相同（相差 {repaid:.0e} %，预设的 ε 时 {default_repaid:.2g} %）。"
    ),
    "Gradient descent never shortened the weights, in {count} updates.": (
        "在 {count} 次更新中，梯度下降从未缩短权重。"
    ),
    (
        "The length is forgotten only while it is large against ε: at ε = {eps:g} the loss "
        "moves by over 1 % when the weights are multiplied by {least:g} … {most:g}, up to "
        "{change:.0f} %."
    ): (
        "只有长度比 ε 大得多时它才被忘记：在 ε = {eps:g}，权重乘以 {least:g} … {most:g} 时损"
        "失变动超过 1 %，最多 {change:.0f} %。"
    ),
    # lab/doctor/doctor
    "{steps} updates; the loss on the examined data went from {first:.4g} to {last:.4g}.": (
        "{steps} 次更新；所检查数据上的损失从 {first:.4g} 变到 {last:.4g}。"
    ),
    "{share:.1f} % of the examined answers are right.": "所检查的答案中 {share:.1f} % 是对的。",
    (
        "The largest eigenvalue of the Hessian is {top:.3g}; with this rate descent is "
        "stable up to {limit:.3g}."
    ): "海森矩阵的最大特征值是 {top:.3g}；以这个学习率，下降在 {limit:.3g} 以内是稳定的。",
    "Not at a critical point: the gradient on the examined data has norm {norm:.2e}.": (
        "不在临界点：所检查数据上梯度的范数是 {norm:.2e}。"
    ),
    "a saddle": "鞍点",
    "a minimum": "最小值",
    "a degenerate minimum": "退化的最小值",
    (
        "Near a critical point, ‖g‖ = {norm:.1e} and ‖Hg‖/(‖H‖‖g‖) = {flat:.1e}: {kind}, "
        "eigenvalues from {low:.2g} to {high:.3g}."
    ): (
        "接近临界点，‖g‖ = {norm:.1e}，‖Hg‖/(‖H‖‖g‖) = {flat:.1e}：{kind}，特征值从 "
        "{low:.2g} 到 {high:.3g}。"
    ),
    # lab/doctor/finding
    "Remedy: {remedy}": "处方：{remedy}",
    "Lesson: minigrad lab {name}": "课程：minigrad lab {name}",
    "No illness found.": "没有发现病。",
    "Observed:": "观察：",
    # lab/doctor/illnesses/data
    "Targets are not scaled": "目标没有缩放",
    (
        "Targets have mean {mean:.3g} and standard deviation {sd:.3g}, while outputs begin "
        "near 0: the loss is {loss:.3g}, against a variance of {variance:.3g}."
    ): (
        "目标的平均为 {mean:.3g}、标准差为 {sd:.3g}，而输出从 0 附近开始：损失是 {loss:.3g}，"
        "方差是 {variance:.3g}。"
    ),
    "Train on (y − mean) / standard deviation, and undo it after predicting.": (
        "用 (y − 平均) / 标准差训练，预测之后再还原。"
    ),
    "All targets are the same": "所有目标都一样",
    "All {n} targets are {value}.": "全部 {n} 个目标都是 {value}。",
    "Look at how the targets are read: there is nothing to learn here.": (
        "检查目标是怎样读入的：这里没有东西可学。"
    ),
    "The targets have nothing to do with the inputs": "目标与输入毫无关系",
    (
        "Near inputs do not have like targets: the five nearest neighbours agree with a "
        "sample's target in {found:.3g}, and after shuffling the targets in {null:.3g} ± "
        "{sd:.2g}. Training has taken {fallen:.0f} % off the loss."
    ): (
        "相近的输入没有相近的目标：五个最近邻与样本目标的一致度是 {found:.3g}，把目标打乱之后"
        "是 {null:.3g} ± {sd:.2g}。训练使损失减少了 {fallen:.0f} %。"
    ),
    "Check that inputs and targets are in one order: shuffled apart, or shifted by a row?": (
        "检查输入与目标的顺序是否一致：是否各自打乱了，或错开了一行？"
    ),
    "{name} has {n} values that are not finite, the first at index {index}.": (
        "{name} 有 {n} 个值不是有限的，第一个在索引 {index}。"
    ),
    "Batches hold one class each": "每个批次只有一个类",
    (
        "In the {n} batches looked at, one class makes up {share:.0f} % on the median, of "
        "{classes} classes in the data: each step unlearns the others."
    ): (
        "在查看的 {n} 个批次中，一个类占中位数 {share:.0f} %，而数据有 {classes} 个类：每一步"
        "都在忘掉别的类。"
    ),
    "Shuffle after each epoch: DataLoader(…, shuffle=True).": (
        "每个 epoch 之后打乱：DataLoader(…, shuffle=True)。"
    ),
    "Batch norm trains in evaluation mode": "批次标准化在评估模式下训练",
    (
        "In {n} of {all} backward passes batch norm was in evaluation mode: it normalised by "
        "its moving averages, which do not move then, and not by the batch."
    ): (
        "{all} 次反向传播中有 {n} 次批次标准化处于评估模式：它用的是那时不再移动的移动平均，"
        "而不是批次。"
    ),
    "Call model.train() before training, and again after each evaluation.": (
        "训练之前调用 model.train()，每次评估之后再调用一次。"
    ),
    "NaN or infinity in the data": "数据中有 NaN 或无穷大",
    "Batches are too small for batch norm": "批次对批次标准化来说太小",
    (
        "Batch norm took mean and variance of {n} values a channel: a standard deviation of "
        "so few is off by some {error:.0f} %."
    ): "批次标准化每个通道只用 {n} 个值求平均与方差：这么少的值，标准差约差 {error:.0f} %。",
    "Take larger batches, or normalise by layer or group: LayerNorm, GroupNorm.": (
        "用更大的批次，或按层、按组标准化：LayerNorm、GroupNorm。"
    ),
    "Drop those samples or fill the holes before training.": (
        "训练之前去掉这些样本，或把空缺补上。"
    ),
    (
        "Features reach a root mean square of {largest:.3g} (mean {mean:.3g}, standard "
        "deviation {sd:.3g}); their standard deviations run from {low:.2g} to {high:.2g}."
    ): (
        "特征的均方根达到 {largest:.3g}（平均 {mean:.3g}，标准差 {sd:.3g}）；各特征的标准差从"
        " {low:.2g} 到 {high:.2g}。"
    ),
    (
        "The condition number of their second moments is {before:.1e}; of standardised "
        "features it would be {after:.1e}."
    ): "它们二阶矩的条件数是 {before:.1e}；标准化之后会是 {after:.1e}。",
    "Features are not scaled": "特征没有缩放",
    "Subtract from each feature its mean and divide by its standard deviation.": (
        "每个特征减去平均，再除以标准差。"
    ),
    # lab/doctor/illnesses/layers
    "The gradient vanishes on its way back": "梯度在回传途中消失",
    (
        "The gradient at the first layer's output is {ratio:.1e} of that at the last one's, "
        "over {depth} layers: a factor of {each:.2g} a layer. The first layers hardly learn."
    ): (
        "第一层输出处的梯度是最后一层的 {ratio:.1e}，共 {depth} 层：每层乘以 {each:.2g}。前面"
        "的层几乎学不到东西。"
    ),
    "Use ReLU with He's weights, batch norm, or fewer layers.": (
        "用 ReLU 与 He 的权重、批次标准化，或减少层数。"
    ),
    "Activations and gradients explode": "激活值与梯度爆炸",
    (
        "At the first step values grow {growth:.3g}-fold between input and layers, and "
        "gradients {back:.3g}-fold on the way back; the steepest weights had a gradient "
        "{steep:.3g} times their own norm."
    ): (
        "第一步时，从输入到各层数值增大 {growth:.3g} 倍，梯度回传时增大 {back:.3g} 倍；最陡的"
        "权重的梯度是其自身范数的 {steep:.3g} 倍。"
    ),
    "Start with He's or Xavier's weights; normalise layers; clip gradients.": (
        "从 He 或 Xavier 的权重开始；对各层标准化；裁剪梯度。"
    ),
    "Units are copies of each other": "单元彼此是复制品",
    (
        "After {steps} steps all units of {names} have the same weights: they started equal, "
        "get equal gradients, and stay equal."
    ): (
        "{steps} 步之后，{names} 的所有单元权重相同：它们开始时相等，得到相等的梯度，就一直相等。"
    ),
    "Start from random weights: the initialisation breaks the symmetry.": (
        "从随机的权重开始：初始化打破对称。"
    ),
    "The network is a straight line": "这个网络是一条直线",
    (
        "The output at the middle of two samples is the middle of their outputs, to "
        "{off:.0e}: {n} weight matrices, and together they are one linear map. The loss fell "
        "by {fallen:.0f} %."
    ): (
        "两个样本中点处的输出就是它们输出的中点，精确到 {off:.0e}：{n} 个权重矩阵，合起来只是"
        "一个线性映射。损失下降了 {fallen:.0f} %。"
    ),
    "Put an activation between the layers: nn.ReLU(), nn.Tanh().": (
        "在层与层之间放激活函数：nn.ReLU()、nn.Tanh()。"
    ),
    "Dropout leaves next to nothing": "dropout 几乎什么也不留",
    "Layer {name} drops {p:.0f} % of its values in training.": (
        "层 {name} 在训练中丢掉 {p:.0f} % 的值。"
    ),
    "p is the share that is dropped, not the share that is kept: 0.1 to 0.5 is usual.": (
        "p 是丢掉的份额，不是保留的份额：通常取 0.1 至 0.5。"
    ),
    "Weight decay pulls all weights to zero": "权重衰减把所有权重拉向零",
    (
        "With weight decay {decay:g} the norm of the weights fell from {before:.3g} to "
        "{after:.3g}, while the loss fell by {fallen:.0f} %."
    ): (
        "权重衰减 {decay:g} 使权重范数从 {before:.3g} 降到 {after:.3g}，而损失下降了 "
        "{fallen:.0f} %。"
    ),
    "Lower weight_decay: 1e-4 with SGD, 1e-2 with AdamW are usual.": (
        "减小 weight_decay：SGD 通常取 1e-4，AdamW 取 1e-2。"
    ),
    "Dead units": "死掉的单元",
    (
        "{share:.0f} % of the units that feed layer {name} are 0 for every sample of the "
        "batch (at the first step: {start:.0f} %): a ReLU that is off passes no gradient and "
        "stays off."
    ): (
        "送入层 {name} 的单元中，{share:.0f} % 对批次的每个样本都是 0（第一步时 {start:.0f} %"
        "）：关掉的 ReLU 不传梯度，就一直关着。"
    ),
    "Start with small biases and He's weights, lower the rate, or use LeakyReLU or GELU.": (
        "从小的偏置与 He 的权重开始，降低学习率，或用 LeakyReLU、GELU。"
    ),
    "Saturated units": "饱和的单元",
    (
        "{share:.0f} % of the values that feed layer {name} lie within 0.01 of an end of "
        "tanh or sigmoid, where the derivative is nearly zero."
    ): (
        "送入层 {name} 的值中，{share:.0f} % 离 tanh 或 sigmoid 的端点不到 0.01，那里的导数几"
        "乎为零。"
    ),
    "Scale inputs and initial weights down (Xavier), or put batch norm before.": (
        "缩小输入与初始权重（Xavier），或在前面加批次标准化。"
    ),
    # lab/doctor/illnesses/loop
    (
        "The loss depends on {n} tensors that want a gradient and are not among "
        "model.parameters(): layers in a plain list or dict are not seen by the module."
    ): (
        "损失依赖于 {n} 个需要梯度、却不在 model.parameters() 中的张量：放在普通列表或字典里"
        "的层，模块看不见。"
    ),
    "The optimizer does not hold all parameters": "优化器没有拿到全部参数",
    (
        "Make the optimizer after the model is complete, of model.parameters(); keep layers "
        "in nn.ModuleList. What is meant to stay fixed gets requires_grad_(False)."
    ): (
        "模型完成之后再用 model.parameters() 建立优化器；把层放在 nn.ModuleList 里。要固定的"
        "参数用 requires_grad_(False)。"
    ),
    "No backward pass": "没有反向传播",
    (
        "never reached by a backward pass: a detach(), a no_grad(), .numpy(), or a layer "
        "that is not used"
    ): "反向传播从未到达：detach()、no_grad()、.numpy()，或没有用到的层",
    "always exactly zero: something on the way is flat, such as round() or argmax()": (
        "始终恰好为零：途中有平坦的东西，例如 round() 或 argmax()"
    ),
    "Parameters without a gradient": "没有梯度的参数",
    "The model ran {n} times, backward() never.": "模型运行了 {n} 次，backward() 一次也没有。",
    (
        "{n} of {all} trainable parameters had no gradient in any of {samples} sampled steps "
        "({names}): {how}."
    ): "{all} 个可训练参数中，有 {n} 个在查看的 {samples} 步中都没有梯度（{names}）：{how}。",
    "Call loss.backward() between the loss and optimizer.step().": (
        "在损失与 optimizer.step() 之间调用 loss.backward()。"
    ),
    "Keep the whole way from parameter to loss in recorded operations.": (
        "从参数到损失的整条路都要用会被记录的操作。"
    ),
    "backward() ran {n} times, optimizer.step() never: the weights are as they were.": (
        "backward() 运行了 {n} 次，optimizer.step() 一次也没有：权重还是原样。"
    ),
    (
        "optimizer.step() ran {n} times, and in {empty} of them none of its parameters had a "
        "gradient: something clears the gradients between backward() and step()."
    ): (
        "optimizer.step() 运行了 {n} 次，其中 {empty} 次它的参数都没有梯度：在 backward() 与 "
        "step() 之间有东西清掉了梯度。"
    ),
    "The weights are never updated": "权重从未更新",
    "Each round: optimizer.zero_grad(), loss.backward(), optimizer.step(), in this order.": (
        "每一轮：optimizer.zero_grad()、loss.backward()、optimizer.step()，按这个顺序。"
    ),
    "Gradients are never cleared": "梯度从未清零",
    (
        "In {stale} of {rounds} rounds the gradients of the rounds before were still there "
        "when backward() began, and were added to: each step follows the sum of all "
        "gradients so far."
    ): (
        "{rounds} 轮中有 {stale} 轮，backward() 开始时前几轮的梯度还在，又被加了上去：每一步"
        "走的是至今所有梯度之和。"
    ),
    "Call optimizer.zero_grad() once in each round, before backward().": (
        "每一轮在 backward() 之前调用一次 optimizer.zero_grad()。"
    ),
    "{n} of the model's {all} trainable parameters are not in the optimizer: {names}.": (
        "模型的 {all} 个可训练参数中，有 {n} 个不在优化器里：{names}。"
    ),
    # lab/doctor/illnesses/loss
    "End the model with LogSoftmax, or use CrossEntropyLoss on logits.": (
        "模型以 LogSoftmax 结尾，或对 logits 用 CrossEntropyLoss。"
    ),
    "The loss takes the outputs for something else": "损失把输出当成了别的东西",
    "Squared error on saturated probabilities": "对饱和的概率用平方误差",
    (
        "{sure:.0f} % of the probabilities are within 0.01 of 0 or 1, and {wrong:.0f} % of "
        "the samples are surely wrong. There the derivative of softmax and sigmoid is nearly "
        "zero, and squared error passes nothing more on: a large loss with a tiny gradient."
    ): (
        "{sure:.0f} % 的概率离 0 或 1 不到 0.01，{wrong:.0f} % 的样本错得很有把握。那里 "
        "softmax 与 sigmoid 的导数几乎为零，平方误差传不下去：损失大而梯度极小。"
    ),
    "Use cross-entropy on the logits: its gradient is p − y, large where it is wrong.": (
        "对 logits 用交叉熵：它的梯度是 p − y，错的地方就大。"
    ),
    "The loss compares all outputs with all targets": "损失把所有输出与所有目标相比较",
    (
        "The output has shape {output}, the targets {targets}: broadcast against each other "
        "they become a square, and the best the model can do is the mean. On one batch the "
        "loss is {wrong:.4g}; with equal shapes it would be {right:.4g}."
    ): (
        "输出的形状是 {output}，目标是 {targets}：互相广播成一个方阵，模型最好也只能给出平均"
        "值。在一个批次上损失是 {wrong:.4g}；形状相同时会是 {right:.4g}。"
    ),
    "Give both one shape: y.reshape(-1, 1), or output.squeeze(1).": (
        "让两者形状相同：y.reshape(-1, 1)，或 output.squeeze(1)。"
    ),
    (
        "The loss has the wrong sign: on numbers drawn at random it is the negative of what "
        "is to be minimised; here it went from {first:.4g} to {last:.4g}."
    ): (
        "损失的符号错了：对随机的数，它是应当最小化者的相反数；在这里它从 {first:.4g} 变到 "
        "{last:.4g}。"
    ),
    (
        "backward() was called on minus the loss: in {n} mini-batches it had the value of "
        "the loss with the opposite sign."
    ): "backward() 是对负的损失调用的：在 {n} 个小批次中，它的值与损失符号相反。",
    (
        "The updates go up: a tenth of one, tried on a copy, raises the loss in {share:.0f} "
        "% of the sampled steps. The loss went from {first:.4g} to {last:.4g}."
    ): (
        "更新在往上走：在副本上试它的十分之一，{share:.0f} % 的抽样步使损失上升。损失从 "
        "{first:.4g} 变到 {last:.4g}。"
    ),
    "The loss is maximised": "损失被最大化了",
    "Check the sign of the loss, and maximize=True of the optimizer.": (
        "检查损失的符号，以及优化器的 maximize=True。"
    ),
    "The softmax is taken twice": "softmax 用了两次",
    (
        "Each row of the model's output lies in [0, 1] and sums to 1, and the loss does not "
        "change when a number is added to a row: it takes the softmax again."
    ): (
        "模型输出的每一行都在 [0, 1] 之间且和为 1，而给一行加上同一个数损失不变：它又取了一次"
        " softmax。"
    ),
    (
        "Of numbers between 0 and 1 the second softmax is nearly flat: the loss cannot fall "
        "below {least:.2f} with {classes} classes, however sure the model is."
    ): (
        "对 0 与 1 之间的数，第二次 softmax 几乎是平的：{classes} 个类时，无论模型多有把握，"
        "损失都低不过 {least:.2f}。"
    ),
    "Leave the last softmax out of the model: cross-entropy takes logits.": (
        "去掉模型最后的 softmax：交叉熵要的是 logits。"
    ),
    (
        "All outputs lie between {low:.2f} and {high:.2f}, for inputs 30 times as large too, "
        "and the loss takes their softmax: of {classes} classes the right one never gets "
        "more than {most:.2f} of the probability."
    ): (
        "所有输出都在 {low:.2f} 与 {high:.2f} 之间，输入放大 30 倍也一样，而损失又取它们的 "
        "softmax：{classes} 个类中，正确的类最多得到 {most:.2f} 的概率。"
    ),
    "Leave the last sigmoid out of the model: cross-entropy takes logits.": (
        "去掉模型最后的 sigmoid：交叉熵要的是 logits。"
    ),
    (
        "All outputs lie between {low:.2f} and {high:.2f}, and the loss applies a sigmoid to "
        "them: what it takes for the probability stays between 0.5 and 0.73."
    ): (
        "所有输出都在 {low:.2f} 与 {high:.2f} 之间，而损失又对它们取 sigmoid：它所当作的概率"
        "只在 0.5 与 0.73 之间。"
    ),
    "Leave the last sigmoid out of the model, or use BCELoss.": (
        "去掉模型最后的 sigmoid，或改用 BCELoss。"
    ),
    "probabilities": "概率",
    "logits": "logits",
    (
        "The loss picks −output of the right class, so that it wants log-probabilities; the "
        "outputs are {what}: their exponentials sum to {low:.3g} … {high:.3g} a row, not 1."
    ): (
        "这个损失取正确类的 −输出，所以要的是对数概率；而输出是{what}：每行的指数之和是 "
        "{low:.3g} … {high:.3g}，不是 1。"
    ),
    # lab/doctor/illnesses/surface
    "The learning rate is too large": "学习率太大",
    "Divide the rate by 3 until the loss falls; warm it up; clip the gradient.": (
        "把学习率除以 3，直到损失下降；预热；裁剪梯度。"
    ),
    "The learning rate is too small": "学习率太小",
    (
        "In {steps} steps the loss went from {first:.4g} to {last:.4g}. A copy, trained from "
        "the same start at {factor:g} times the rate, reaches {best:.3g} in {few} steps."
    ): (
        "{steps} 步中损失从 {first:.4g} 变到 {last:.4g}。一个副本从同样的起点以 {factor:g} 倍"
        "的学习率训练，{few} 步就到 {best:.3g}。"
    ),
    "Raise the rate tenfold, as long as the loss falls; look at the schedule.": (
        "只要损失在下降，就把学习率提高十倍；检查学习率的安排。"
    ),
    (
        "The last third of training took {recent:.2g} % off the loss. An update changes the "
        "weights by {reach:.1e} of their norm; 1e-3 is usual."
    ): (
        "训练的最后三分之一使损失减少 {recent:.2g} %。一次更新对权重的改变是其范数的 "
        "{reach:.1e}；通常是 1e-3。"
    ),
    (
        "Tried on a copy, the last recorded updates take {one:.2g} % off the loss, ten times "
        "as long ones {ten:.2g} %, a hundred times as long ones {hundred:.2g} %."
    ): (
        "在副本上试：最近记录的更新使损失减少 {one:.2g} %，十倍长的减少 {ten:.2g} %，一百倍长"
        "的减少 {hundred:.2g} %。"
    ),
    (
        "A step of length {length:.2g} along the gradient, tried on a copy, takes {gain:.2g} "
        "% off the loss; the updates drown in rounding."
    ): ("在副本上沿梯度走长 {length:.2g} 的一步，使损失减少 {gain:.2g} %；更新淹没在舍入误差中。"),
    "in the forward pass": "在前向传播中",
    "in the backward pass": "在反向传播中",
    (
        "At step {step} a number stopped being finite, {where}: {operation}, called at "
        "{file}, line {line}, in {function}: {source}"
    ): (
        "第 {step} 步有一个数不再是有限的，{where}：{operation}，调用于 {file} 第 {line} 行，"
        "在 {function} 中：{source}"
    ),
    "Stuck at a saddle point": "卡在鞍点",
    (
        "The gradient has norm {norm:.2e}, and the best step along it takes {gain:.2g} % off "
        "the loss of {loss:.4g}."
    ): "梯度的范数是 {norm:.2e}，沿它最好的一步使损失 {loss:.4g} 减少 {gain:.2g} %。",
    (
        "The Hessian's eigenvalues run from {low:.3g} to {high:.3g}: no minimum. A step of "
        "length {length:.3g} along the eigenvector of the lowest one, tried on a copy, takes "
        "{better:.3g} % off the loss."
    ): (
        "海森矩阵的特征值从 {low:.3g} 到 {high:.3g}：不是最小值。在副本上沿最低者的特征向量走"
        "长 {length:.3g} 的一步，使损失减少 {better:.3g} %。"
    ),
    (
        "Step along minigrad.curvature.escape_direction, add noise, take smaller batches, or "
        "start elsewhere."
    ): "沿 minigrad.curvature.escape_direction 走一步，加噪声，用更小的批次，或换个起点。",
    "In a valley: steep across, flat along": "在山谷里：横越很陡，沿途很平",
    (
        "The loss stands at {loss:.4g} with a gradient of norm {norm:.3g}. The best step "
        "along the gradient takes {gain:.2g} % off it; a step by conjugate gradients, which "
        "knows the curvature, {better:.3g} %."
    ): (
        "损失停在 {loss:.4g}，梯度范数 {norm:.3g}。沿梯度最好的一步使它减少 {gain:.2g} %；懂"
        "得曲率的共轭梯度走一步，减少 {better:.3g} %。"
    ),
    (
        "The rate is bound by the steepest direction (largest eigenvalue {top:.3g}), the way "
        "leads along the flat ones."
    ): "学习率受最陡方向的限制（最大特征值 {top:.3g}），而路沿着平坦的方向。",
    "Normalise features and layers; use momentum, or an adaptive method such as Adam.": (
        "标准化特征与各层；用动量，或 Adam 之类的自适应方法。"
    ),
    (
        "The loss stands at {loss:.4g} with a gradient of norm {norm:.3g}; the last third of "
        "training took {recent:.2g} % off it. The steepest curvature, {top:.3g}, is "
        "{share:.2g} of what the rate can bear ({limit:.3g}), so that a larger rate would "
        "leave the valley."
    ): (
        "损失停在 {loss:.4g}，梯度范数 {norm:.3g}；训练的最后三分之一使它减少 {recent:.2g} %"
        "。最陡的曲率 {top:.3g} 是这个学习率所能承受（{limit:.3g}）的 {share:.2g}，更大的学习"
        "率会离开山谷。"
    ),
    (
        "The best step along the gradient takes {gain:.3g} % off the loss; L-BFGS, which "
        "learns the curvature, tried on a copy, goes down to {reached:.3g}."
    ): ("沿梯度最好的一步使损失减少 {gain:.3g} %；学习曲率的 L-BFGS 在副本上降到 {reached:.3g}。"),
    "Not a number": "不是数（NaN）",
    (
        "Keep the argument inside the operation's domain: clamp it, add a small ε under "
        "roots and logarithms, or use a fused loss such as cross_entropy on logits."
    ): (
        "让自变量留在操作的定义域内：用 clamp，在根号与对数下加一个小的 ε，或用融合的损失，例"
        "如对 logits 的 cross_entropy。"
    ),
    (
        "Weights or loss ran away to infinity at step {step}; before that the loss had "
        "reached {most:.3g}, from {first:.3g} at the start."
    ): (
        "权重或损失在第 {step} 步跑向无穷大；在那之前损失已达到 {most:.3g}，开始时是 {first:.3g}。"
    ),
    "The loss rose from {first:.4g} to {last:.4g}.": "损失从 {first:.4g} 升到 {last:.4g}。",
    (
        "One of the first updates raised the loss {leap:.3g}-fold, and training has not "
        "recovered: the loss went from {first:.4g} to {last:.4g}."
    ): (
        "最初的更新之一使损失增大 {leap:.3g} 倍，训练没有恢复：损失从 {first:.4g} 变到 "
        "{last:.4g}。"
    ),
    (
        "Tried on a copy, the last recorded updates change the loss by {one:+.1f} % on "
        "average, a tenth of them by {tenth:+.2f} %: they overshoot."
    ): (
        "在副本上试：最近记录的更新使损失平均变化 {one:+.1f} %，它们的十分之一变化 "
        "{tenth:+.2f} %：步子过头了。"
    ),
    (
        "The largest eigenvalue of the Hessian is {top:.3g} where it is largest, of the "
        "start, the first updates and the end; with a rate of {rate:g} descent is stable up "
        "to {limit:.3g}."
    ): (
        "海森矩阵的最大特征值在开始、最初的更新与最后之中最大为 {top:.3g}；学习率 {rate:g} 时"
        "，下降在 {limit:.3g} 以内稳定。"
    ),
    # lab/doctor/page
    "How far an update moves each parameter, relative to its norm: about 1e-3 is usual.": (
        "一次更新把每个参数移动多远，相对于其范数：通常约 1e-3。"
    ),
    "The size of each layer's output: lines far apart say that values explode or vanish.": (
        "每层输出的大小：线条相距很远，说明数值在爆炸或消失。"
    ),
    "The size of the gradient at each layer's output: it should not shrink layer by layer.": (
        "每层输出处梯度的大小：不应逐层缩小。"
    ),
    "Lesson: `minigrad lab {name}`": "课程：`minigrad lab {name}`",
    "Why does this network not train?": "这个网络为什么训练不起来？",
    "Observed": "观察",
    "The loss of each mini-batch, and on the examined data before the sampled steps.": (
        "每个小批次的损失，以及抽样步之前所检查数据上的损失。"
    ),
    "Loss against backward passes.": "损失对反向传播次数。",
    (
        "Norm of the gradient: of one parameter in each step, and of all parameters on the "
        "examined data. A loss that stalls while this stays up is no critical point."
    ): (
        "梯度的范数：每一步中一个参数的，以及所检查数据上全部参数的。损失停滞而它居高不下，就"
        "不是临界点。"
    ),
    "Gradient norms against updates.": "梯度范数对更新次数。",
    (
        "Sharpness λmax, and for plain SGD the limit 2(1 + momentum)/η above which a "
        "quadratic surface throws descent out."
    ): "尖锐度 λmax；对单纯的 SGD，还有极限 2(1 + 动量)/η，超过它二次曲面会把下降甩出去。",
    "Largest Hessian eigenvalue against updates.": "海森矩阵最大特征值对更新次数。",
    # lab/p5/escape
    "no saddle found": "没找到鞍点",
    "No run found a saddle.": "没有一次运行找到鞍点。",
    "{n} critical points are too few; `minigrad lab escape --full` finds more.": (
        "{n} 个临界点太少；`minigrad lab escape --full` 会找到更多。"
    ),
    "{n} critical points": "{n} 个临界点",
    "No correlation of loss and index is shown: p = {p:.2f}.": (
        "看不出损失与指数的相关：p = {p:.2f}。"
    ),
    "A saddle lies lower than every minimum found.": "有一个鞍点低于找到的所有最小值。",
    "Saddle-free Newton stays at the saddle in some seed.": "无鞍牛顿法在某个种子停在鞍点。",
    "A layer's block has negative curvature: {x:.1e}.": "有一层的块有负曲率：{x:.1e}。",
    # lab/p5/hessian_cost
    "{n} seeds are too few for an interval; `minigrad lab hessian_cost --seeds 5` decides.": (
        "{n} 个种子太少，得不到区间；用 `minigrad lab hessian_cost --seeds 5` 决定。"
    ),
    "{n} seeds": "{n} 个种子",
    (
        "These intervals hold a bound ({price:g} gradients, exponent {p:g}); `minigrad lab "
        "hessian_cost --full` decides."
    ): (
        "这些区间包含界限（{price:g} 次梯度，指数 {p:g}）；用 `minigrad lab hessian_cost "
        "--full` 决定。"
    ),
    # lab/p5/minimum_ratio
    "{n} of them have none: minima as far as a float64 spectrum can tell.": (
        "其中 {n} 个没有负特征值：就 float64 的谱所能分辨，是最小值。"
    ),
    (
        "In float32 the same Hessians give {single:.3f} instead of {double:.3f} at tolerance "
        "0: of eigenvalues that are rounding errors half come out positive."
    ): (
        "在 float32 中，同样的海森矩阵在容差 0 时给出 {single:.3f} 而不是 {double:.3f}：是舍"
        "入误差的特征值有一半为正。"
    ),
    # lab/p5/saddle
    "Not so: {fact}.": "并非如此：{fact}。",
    "a fact fails": "有一个事实不成立",
    # lab/p5/taylor
    "no order": "没有阶数",
    "Too few errors lie between rounding and the far terms; take other lengths.": (
        "介于舍入误差与高阶项之间的误差太少；换别的步长。"
    ),
    # lab/p6/batch_testing
    (
        "{n} seeds reached the target with both batch sizes, too few for an interval; "
        "`minigrad lab batch_testing --full` decides."
    ): (
        "{n} 个种子的两种批次都达到目标，太少，得不到区间；用 `minigrad lab batch_testing "
        "--full` 决定。"
    ),
    "So the small batch does not generalise better here.": "所以小批次在这里并不泛化得更好。",
    "So the large batch does not end in a sharper place here.": (
        "所以大批次在这里并不停在更尖锐的地方。"
    ),
    # lab/p6/batch_time
    "{n} seeds are too few for an interval; `minigrad lab batch_time --seeds 5` decides.": (
        "{n} 个种子太少，得不到区间；用 `minigrad lab batch_time --seeds 5` 决定。"
    ),
    "Width {width}, {threads} thread(s): no cheaper epoch is shown.": (
        "宽度 {width}，{threads} 个线程：看不出 epoch 更便宜。"
    ),
    (
        "Width {width}, {threads} thread(s): not a straight line, it misses a time by "
        "{miss:.0f} %."
    ): "宽度 {width}，{threads} 个线程：不是直线，对一个时间偏离 {miss:.0f} %。",
    "cost does not grow up to B = {size}": "直到 B = {size} 代价都不增长",
    # lab/p6/batch_training
    "{n} seeds are too few for an interval; `minigrad lab batch_training --full` decides.": (
        "{n} 个种子太少，得不到区间；用 `minigrad lab batch_training --full` 决定。"
    ),
    "No rate gave a finite loss in {lost} cases: try smaller rates.": (
        "有 {lost} 种情形没有一个学习率给出有限的损失：试更小的学习率。"
    ),
    "{lost} overflows": "{lost} 次溢出",
    "Batch {name} sometimes chose a rate at the edge of those tried.": (
        "批次 {name} 有时选到所试学习率的边缘。"
    ),
    "The full batch is not behind at every budget.": "整批并非在每种预算下都落后。",
    "At equal updates the interval holds 1; `minigrad lab batch_training --full` decides.": (
        "更新次数相同时区间包含 1；用 `minigrad lab batch_training --full` 决定。"
    ),
    # lab/p6/momentum
    "The movement is not the weighted sum: they differ by {x:.1e}.": (
        "移动量不是加权和：两者相差 {x:.1e}。"
    ),
    "Without momentum a start leaves the local minimum.": "没有动量时有一个起点离开了局部最小值。",
    "{n} starts pass the hill with no λ of the grid.": (
        "有 {n} 个起点，网格中没有一个 λ 能越过山丘。"
    ),
    "identity to {x:.0e}": "恒等式精确到 {x:.0e}",
    # lab/p6/noise
    "{n} seeds are too few; `minigrad lab noise --seeds 3` decides.": (
        "{n} 个种子太少；用 `minigrad lab noise --seeds 3` 决定。"
    ),
    "SGD left in {sgd} of {n} seeds only.": "SGD 只在 {n} 个种子中的 {sgd} 个离开。",
    "Gradient descent left in {gd} of {n} seeds: rounding errors grow as well.": (
        "梯度下降在 {n} 个种子中有 {gd} 个离开：舍入误差也会增长。"
    ),
    (
        "Noise need not last: gradient descent after a single push left in every seed and "
        "ends lower than SGD by {mean:.4f} ({low:.4f} to {high:.4f}), which noise keeps "
        "above the floor."
    ): (
        "噪声不必持续：推一次之后的梯度下降在每个种子都离开，并且比 SGD 低 {mean:.4f}（"
        "{low:.4f} 至 {high:.4f}），因为噪声使 SGD 停在谷底之上。"
    ),
    # lab/p7/adagrad
    "No run finished.": "没有一次运行完成。",
    "The rule leaves {left:.0f} % of the way from one of the starts.": (
        "从其中一个起点，这条规则还剩下路程的 {left:.0f} %。"
    ),
    "The lecture's rule did not burst from any start.": "课程的规则从任何起点都没有喷发。",
    "A burst began although the stability ratio had stayed below 1.": (
        "有一次喷发开始时，稳定比一直低于 1。"
    ),
    "The rule with decay differs from Adagrad by {identity:.1e} of the distance.": (
        "带衰减的规则与 Adagrad 相差距离的 {identity:.1e}。"
    ),
    "{t}": "{t}",
    # lab/p7/adam
    "{n} seeds are too few for an interval; `minigrad lab adam --seeds 5` decides.": (
        "{n} 个种子太少，得不到区间；用 `minigrad lab adam --seeds 5` 决定。"
    ),
    (
        "The interval of the accuracy holds two points; `minigrad lab adam --full` takes "
        "more seeds."
    ): "准确率的区间包含两点；`minigrad lab adam --full` 取更多种子。",
    # lab/p7/optimizers
    "{n} seeds are too few for an interval; `minigrad lab optimizers --seeds 5` decides.": (
        "{n} 个种子太少，得不到区间；用 `minigrad lab optimizers --seeds 5` 决定。"
    ),
    "On the images it trains worse than {names}.": "在图像上它比 {names} 训练得差。",
    (
        "The interval over gradient descent holds 1; `minigrad lab optimizers --full` takes "
        "more seeds."
    ): "与梯度下降相比的区间包含 1；`minigrad lab optimizers --full` 取更多种子。",
    # lab/p7/rmsprop
    "{n} seeds are too few for an interval; `minigrad lab rmsprop --seeds 3` decides.": (
        "{n} 个种子太少，得不到区间；用 `minigrad lab rmsprop --seeds 3` 决定。"
    ),
    "The first step of the lecture's rule does not have the length η.": (
        "课程规则的第一步长度不是 η。"
    ),
    (
        "From the outer wall it is the other way round: the gradient there points across the "
        "crescent, and Adagrad's first steps, each about η long at a rate as large as "
        "{rate}, leap over the bend."
    ): (
        "从外壁出发正好相反：那里的梯度横越新月形，而 Adagrad 的前几步在学习率大到 {rate} 时"
        "每步约长 η，跃过了弯处。"
    ),
    "{r:g}": "{r:g}",
    "The interval holds 1; `minigrad lab rmsprop --full` takes more seeds.": (
        "区间包含 1；`minigrad lab rmsprop --full` 取更多种子。"
    ),
    # lab/p7/schedule
    "{n} seeds are too few for an interval; `minigrad lab schedule --seeds 5` decides.": (
        "{n} 个种子太少，得不到区间；用 `minigrad lab schedule --seeds 5` 决定。"
    ),
    "Not every decay cures: bursts under “{name}”: {count}.": (
        "并非每种衰减都能治好：“{name}”之下的喷发次数：{count}。"
    ),
    "The attention network is worse with warm-up.": "注意力网络有预热反而更差。",
    "For the attention network no gain by warm-up is shown.": "对注意力网络，看不出预热的好处。",
    "The residual network of this size needs no warm-up: it is worse with it.": (
        "这种大小的残差网络不需要预热：有了反而更差。"
    ),
    (
        "The attention network's interval leaves room for a gain; `minigrad lab schedule "
        "--full` takes more seeds."
    ): "注意力网络的区间还容得下好处；`minigrad lab schedule --full` 取更多种子。",
    # lab/p7/stuck
    "{n} seeds are too few for an interval; `minigrad lab stuck --seeds 3` decides.": (
        "{n} 个种子太少，得不到区间；用 `minigrad lab stuck --seeds 3` 决定。"
    ),
    "No arm stalled: there is nothing to judge; try more updates with `--full`.": (
        "没有一组停滞：无从判断；用 `--full` 试更多更新。"
    ),
    "no arm stalled": "没有一组停滞",
    "An interval holds 1; `minigrad lab stuck --full` takes more seeds.": (
        "有一个区间包含 1；`minigrad lab stuck --full` 取更多种子。"
    ),
    # lab/p7/valley
    "The surface is not convex: an eigenvalue is not positive.": (
        "曲面不是凸的：有一个特征值不为正。"
    ),
    "Real updates differ from the linear map by {difference:.1e} of the distance.": (
        "真实的更新与线性映射相差距离的 {difference:.1e}。"
    ),
    "A constant rate leaves only {least:.2g} of the distance to the optimum.": (
        "固定的学习率只剩下到最优点距离的 {least:.2g}。"
    ),
    # lab/p7/warmup
    "{n} seeds are too few for an interval; `minigrad lab warmup --seeds 5` decides.": (
        "{n} 个种子太少，得不到区间；用 `minigrad lab warmup --seeds 5` 决定。"
    ),
    "Adam without warm-up ties everywhere.": "没有预热的 Adam 处处打平。",
    (
        "No interval lies below 1, and not all exclude a gain of a fifth; `minigrad lab "
        "warmup --full` takes more seeds."
    ): (
        "没有一个区间低于 1，也并非都排除五分之一的好处；`minigrad lab warmup --full` 取更多种子。"
    ),
    (
        "A network's own gradients are not centred: their adaptive rate varies only "
        "{share:.2g} × as much as the formula's assumption has it."
    ): ("网络自己的梯度并非以零为中心：它们的自适应学习率的变动只有公式所假定的 {share:.2g} 倍。"),
    # lab/p8/classes
    "{n} seeds are too few for an interval; `minigrad lab classes --seeds 5` decides.": (
        "{n} 个种子太少，得不到区间；用 `minigrad lab classes --seeds 5` 决定。"
    ),
    "The interval on images does not tell; `minigrad lab classes --full` takes more seeds.": (
        "图像上的区间看不出结果；`minigrad lab classes --full` 取更多种子。"
    ),
    (
        "That numbers put the order to use is not shown: one-hot may be as near to the true class."
    ): "看不出编号利用了顺序：独热向量离真正的类可能一样近。",
    (
        "Numbers help to be near, not to be right: on the ordered classes one-hot is the "
        "more accurate."
    ): "编号有助于接近，却不有助于正确：在有序的类上独热向量更准确。",
    # lab/p8/cross_entropy
    "−Σ ŷ log y′ as it is written is a number there.": "照字面写的 −Σ ŷ log y′ 在那里是一个数。",
    "{n} seeds are too few for an interval; `minigrad lab cross_entropy --seeds 5` decides.": (
        "{n} 个种子太少，得不到区间；用 `minigrad lab cross_entropy --seeds 5` 决定。"
    ),
    (
        "The interval of the bad start holds one point; `minigrad lab cross_entropy --full` "
        "takes more seeds."
    ): "坏起点的区间包含一点；`minigrad lab cross_entropy --full` 取更多种子。",
    "leaves too": "也离开",
    "neither": "两者都没有",
    # lab/p8/likelihood
    "{n} seeds are too few for an interval; `minigrad lab likelihood --seeds 5` decides.": (
        "{n} 个种子太少，得不到区间；用 `minigrad lab likelihood --seeds 5` 决定。"
    ),
    # lab/p8/softmax
    "No random pair is exaggerated.": "没有一个随机对的差距被拉大。",
    # lab/p9/batch_norm
    "{n} seeds are too few for an interval; `minigrad lab batch_norm --seeds 5` decides.": (
        "{n} 个种子太少，得不到区间；用 `minigrad lab batch_norm --seeds 5` 决定。"
    ),
    "At the start {symbol} lies in {low:g} … {high:g}.": (
        "开始时 {symbol} 在 {low:g} … {high:g} 之间。"
    ),
    "With {name} test accuracy is lower by more than half a point.": (
        "用 {name} 时测试准确率低了半点以上。"
    ),
    "{activation} networks of depth {depth} train at no larger rate with it in most seeds.": (
        "深度 {depth} 的 {activation} 网络，在多数种子中有了它并不能用更大的学习率训练。"
    ),
    (
        "The updates do not decide: intervals that hold 1, or targets missed; `minigrad lab "
        "batch_norm --full` takes more seeds and epochs."
    ): (
        "更新次数不能决定：区间包含 1，或没达到目标；`minigrad lab batch_norm --full` 取更多"
        "种子与 epoch。"
    ),
    "Fewer updates are shown for {name} only.": "只对 {name} 显示更新更少。",
    "{arm} missed the target in {missed} of {n} runs: a bound.": (
        "{arm} 在 {n} 次运行中有 {missed} 次没达到目标：是一个界。"
    ),
    # lab/p9/features
    "{n} seeds are too few for an interval; `minigrad lab features --seeds 5` decides.": (
        "{n} 个种子太少，得不到区间；用 `minigrad lab features --seeds 5` 决定。"
    ),
    "An interval holds 1; `minigrad lab features --full` takes more seeds.": (
        "有一个区间包含 1；`minigrad lab features --full` 取更多种子。"
    ),
    # lab/p9/running_statistics
    "Not so: {fact}": "并非如此：{fact}",
    (
        "{n} seeds are too few for an interval; `minigrad lab running_statistics --seeds 5` "
        "decides."
    ): "{n} 个种子太少，得不到区间；用 `minigrad lab running_statistics --seeds 5` 决定。",
    (
        "That interval holds 5 points; `minigrad lab running_statistics --full` takes more seeds."
    ): "那个区间包含 5 点；`minigrad lab running_statistics --full` 取更多种子。",
    (
        "Running averages lag behind weights that still move: statistics taken anew with the "
        "final weights classify better, by the interval above."
    ): ("移动平均落后于仍在移动的权重：用最终的权重重新求统计量，分类更好，好多少见上面的区间。"),
    # lab/p9/scale_invariance
    "A bias before batch norm is not idle: {idle:.1e}.": (
        "批次标准化之前有一个偏置不是闲置的：{idle:.1e}。"
    ),
    (
        "At ε = {eps:g} the worst neuron still has |cos(w, g)| = {cosine:.1e} and ‖Hw + "
        "g‖/‖g‖ = {hessian:.1e}."
    ): (
        "在 ε = {eps:g}，最差的神经元仍有 |cos(w, g)| = {cosine:.1e} 与 ‖Hw + g‖/‖g‖ = "
        "{hessian:.1e}。"
    ),
    (
        "The residuals do not shrink in proportion to ε: log-log slopes {low:.2f} to {high:.2f}."
    ): "残差不与 ε 成比例地缩小：双对数斜率 {low:.2f} 至 {high:.2f}。",
    "Without batch norm the identities hold as well.": "没有批次标准化时这些恒等式也成立。",
    (
        "The effective rate is not η/‖w‖²: losses differ by {repaid:.1f} % with a²η, by "
        "{longer:.1f} % with η."
    ): "有效学习率不是 η/‖w‖²：用 a²η 时损失相差 {repaid:.1f} %，用 η 时相差 {longer:.1f} %。",
    (
        "Gradient descent at ε = {eps:g} shortened the weights in {falls} of {count} "
        "updates: where the gradient is small, what ε leaves of w·g outweighs η‖g‖²."
    ): (
        "在 ε = {eps:g}，梯度下降的 {count} 次更新中有 {falls} 次缩短了权重：梯度小的地方，ε "
        "在 w·g 中剩下的超过 η‖g‖²。"
    ),
    # lab/p9/why_batch_norm
    (
        "{n} seeds are too few for an interval; `minigrad lab why_batch_norm --seeds 5` decides."
    ): "{n} 个种子太少，得不到区间；用 `minigrad lab why_batch_norm --seeds 5` 决定。",
    "Batch norm more than halves the covariate shift.": "批次标准化使协变量偏移减少一半以上。",
    "With noise the network ends above the plain one.": "有噪声时网络结束在单纯网络之上。",
    "The error surface is not smoother.": "误差曲面并没有更平滑。",
    "The intervals are too wide; `minigrad lab why_batch_norm --full` decides.": (
        "区间太宽；用 `minigrad lab why_batch_norm --full` 决定。"
    ),
    "Batch norm more than doubles the covariate shift.": "批次标准化使协变量偏移增加一倍以上。",
    "At its own rate, too, batch norm lowers the covariate shift, to {r:.2f} ×.": (
        "在它自己的学习率下，批次标准化也降低协变量偏移，到 {r:.2f} 倍。"
    ),
    "The weakest noise costs {r:.1f} × the loss.": "最弱的噪声使损失变为 {r:.1f} 倍。",
    "The {name} is not shown to be better; --full takes more seeds.": (
        "看不出{name}更好；--full 取更多种子。"
    ),
    # lab/playground/page
    "Play": "播放",
    "Pause": "暂停",
    "loss": "损失",
    "updates": "更新次数",
    "update {n} of {all}": "第 {n} 次更新，共 {all} 次",
    "loss {loss}": "损失 {loss}",
    "loss {loss}; below {goal} at update {n}": "损失 {loss}；在第 {n} 次更新低于 {goal}",
    "diverged at update {n}": "在第 {n} 次更新发散",
    "After {n} updates: {what}.": "{n} 次更新之后：{what}。",
    "No method is chosen.": "没有选择任何方法。",
    "Show": "显示",
    (
        "Seven methods on six error surfaces. Every path was computed beforehand by "
        "minigrad's own optimizers, {n} runs in all; this page only plays them."
    ): (
        "六种误差曲面上的七种方法。每条路径都由 minigrad 自己的优化器事先算好，共 {n} 次运行"
        "；这个页面只是播放它们。"
    ),
    "warm-up: the rate rises over the first {share:.0%} of updates": (
        "预热：学习率在前 {share:.0%} 的更新中上升"
    ),
    "The playground needs JavaScript, which is switched off here.": (
        "游乐场需要 JavaScript，而它在这里关闭了。"
    ),
    "Surface": "曲面",
    "Start": "起点",
    "Step": "步",
    "Speed": "速度",
    "slow": "慢",
    "normal": "正常",
    "fast": "快",
    "Methods": "方法",
    "Learning rate of gradient descent, momentum, Nesterov": "梯度下降、动量、Nesterov 的学习率",
    "Learning rate of Adagrad, RMSProp, Adam, RAdam": "Adagrad、RMSProp、Adam、RAdam 的学习率",
    "Momentum of momentum and Nesterov": "动量与 Nesterov 的动量系数",
    "Loss against updates": "损失对更新次数",
    "Things to try": "可以试试",
    (
        "The lighter the ground, the lower the loss; a cross in a circle marks minima and "
        "saddles. Two rates, because the rate of the upper methods multiplies the gradient, "
        "while that of the lower ones is about the length of a step."
    ): (
        "底色越浅，损失越低；圆圈中的叉标出最小值与鞍点。有两个学习率，因为上面几种方法的学习"
        "率乘以梯度，而下面几种的学习率大约就是一步的长度。"
    ),
    # lab/playground/surfaces
    "The saddle: (1 − w₁w₂)²": "鞍点：(1 − w₁w₂)²",
    (
        "The smallest network that has a saddle point. The gradient is zero at the origin, "
        "where the loss is 1; the minima, loss 0, are the two curves w₁w₂ = 1."
    ): "有鞍点的最小网络。原点的梯度为零，损失为 1；损失为 0 的最小值是两条曲线 w₁w₂ = 1。",
    "on the line into the saddle (0.5, −0.5)": "在通向鞍点的直线上 (0.5, −0.5)",
    "a little beside it (0.52, −0.5)": "在它旁边一点 (0.52, −0.5)",
    "saddle": "鞍点",
    "minimum": "最小值",
    "The convex valley: a linear regression": "凸山谷：一个线性回归",
    (
        "Squared error of y = b + wx on the lecture's ten points, above the least there can "
        "be. Across, the surface bends 300,000 times as strongly as along: gradient descent "
        "is stable up to a rate of 1.145e-6, and along the valley that is nothing."
    ): (
        "y = b + wx 对课程十个点的平方误差，减去可能的最小值。横越方向的弯曲是沿途方向的 "
        "300,000 倍：梯度下降在学习率 1.145e-6 以内稳定，而沿着山谷这等于没有。"
    ),
    "the lecture's start (−120, −4)": "课程的起点 (−120, −4)",
    "the other side (−230, 5)": "另一边 (−230, 5)",
    "The crescent: a valley that bends": "新月形：会转弯的山谷",
    (
        "(1 − w₁)² + 10(w₂ − w₁²)²: which direction is steep changes along the way, so a "
        "method has to change its mind about it."
    ): "(1 − w₁)² + 10(w₂ − w₁²)²：哪个方向陡沿途在变，所以方法必须改变主意。",
    "on the other arm (−1.5, 2.5)": "在另一条臂上 (−1.5, 2.5)",
    "inside the bend (0, 2)": "在弯的内侧 (0, 2)",
    "Hill and valley: one parameter": "山丘与山谷：一个参数",
    (
        "A ball comes down from the right. Does it stay in the first valley, or has it the "
        "momentum for the hill?"
    ): "一个球从右边滚下。它会停在第一个山谷，还是有足够的动量越过山丘？",
    "high on the right, 3": "右边高处，3",
    "on the hill, 0.25": "在山丘上，0.25",
    "local minimum": "局部最小值",
    "global minimum": "全局最小值",
    "Logits under the squared error": "平方误差下的 logits",
    (
        "Outputs (y₁, y₂, −1000), the truth is the first class. Where the network is surely "
        "wrong, the loss is 2 and the surface is flat: the gradient is 1e-8."
    ): (
        "输出 (y₁, y₂, −1000)，正确的是第一类。网络错得很有把握的地方，损失为 2 而曲面是平的"
        "：梯度为 1e-8。"
    ),
    "Logits under cross-entropy": "交叉熵下的 logits",
    (
        "The same outputs, the other loss. Where the network is surely wrong, the gradient "
        "is 1.4: the slope shows the way from everywhere."
    ): "同样的输出，另一种损失。网络错得很有把握的地方，梯度为 1.4：从任何地方斜率都指出路。",
    "the wrong corner (−10, 10)": "错的角落 (−10, 10)",
    "a little wrong (−1, 1)": "有一点错 (−1, 1)",
    # lab/playground/trajectories
    "gradient descent": "梯度下降",
    "momentum": "动量",
    "Nesterov": "Nesterov",
    "Adagrad": "Adagrad",
    "RMSProp": "RMSProp",
    "Adam": "Adam",
    "RAdam": "RAdam",
    # lab/playground/tries
    (
        "Saddle: gradient descent and momentum run along the line into the saddle and stay "
        "at loss 1, for the gradient never points off the line."
    ): "鞍点：梯度下降与动量沿着直线走进鞍点，停在损失 1，因为梯度从不指向直线之外。",
    (
        "Saddle, a little beside the line: the same methods linger at the saddle, then find "
        "a minimum by themselves. Start on the line again and the adaptive methods stay too."
    ): (
        "鞍点，离直线一点：同样的方法在鞍点徘徊，然后自己找到最小值。再从直线上开始，自适应方"
        "法也会停住。"
    ),
    (
        "Valley: gradient descent is down between the slopes at once and then stands still, "
        "and no rate helps: the next larger one diverges. Adam, with a scale of its own for "
        "each parameter, arrives. RAdam's first updates have no scale yet: it is thrown out."
    ): (
        "山谷：梯度下降立刻下到两坡之间，然后就站住了，没有学习率有帮助：再大一档就发散。"
        "Adam 对每个参数有自己的尺度，走到了。RAdam 最初的更新还没有尺度：它被甩了出去。"
    ),
    (
        "Crescent: Adagrad adds up all squared gradients, also those of the steep start, and "
        "crawls ever after; RMSProp forgets them, Adam has momentum too."
    ): (
        "新月形：Adagrad 把所有梯度的平方加起来，连陡峭起点的也算，从此爬行；RMSProp 会忘记它"
        "们，Adam 还有动量。"
    ),
    (
        "Hill: momentum 0.9 rolls over the hill into the deeper valley. With momentum 0.5 it "
        "stays where gradient descent stays."
    ): "山丘：动量 0.9 滚过山丘进入更深的山谷。动量 0.5 则停在梯度下降停住的地方。",
    (
        "Squared error of surely wrong logits: loss 2, and gradient descent does not move at "
        "any rate. Adam divides the tiny gradient by its own size, and walks off."
    ): (
        "logits 错得很有把握时的平方误差：损失为 2，梯度下降用任何学习率都不动。Adam 把极小的"
        "梯度除以它自己的大小，就走开了。"
    ),
    "Cross-entropy from the same start: every method arrives.": (
        "从同样起点的交叉熵：每种方法都走到。"
    ),
    (
        "Warm-up: on the crescent, momentum with a rate of 0.024 diverges in the steep "
        "start. Switch warm-up on: the rate is small there, and it arrives."
    ): (
        "预热：在新月形上，学习率 0.024 的动量在陡峭的起点发散。打开预热：那里的学习率小，它"
        "就走到了。"
    ),
}
