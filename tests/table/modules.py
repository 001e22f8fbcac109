"""Modules: one row each, from which `nn/test_every_module.py` makes its checks.

    Row(how it is made, *inputs, state=names and shapes, shown=repr)

`state` and `shown` are PyTorch's (2.13). An input is a shape, filled with normal numbers, or
(kind, …): integers below a bound, probabilities, signs, counts.
"""


class Row:
    def __init__(self, text, *inputs, state, shown):
        self.text, self.inputs, self.state, self.shown = text, inputs, state, shown
        # Which inputs are differentiated: not classes, signs and counts.
        self.moving = [not isinstance(i[0], str) or i[0] == "prob" for i in inputs]

    def draw(self, chance):
        """Arrays for the inputs."""
        return [_array(chance, spec) for spec in self.inputs]


def _array(chance, spec):
    kind, *rest = spec if spec and isinstance(spec[0], str) else ("normal", spec)
    if kind == "int":
        return chance.integers(0, rest[0], rest[1])
    return {
        "normal": lambda s: chance.standard_normal(s),
        "prob": lambda s: chance.uniform(0.1, 0.9, s),
        "sign": lambda s: chance.choice([-1.0, 1.0], s),
        "pos": lambda s: chance.integers(0, 4, s).astype(float),
    }[kind](rest[0])


# fmt: off
ROWS = [
    Row('Linear(3, 2)', (5, 3), state={'weight': (2, 3), 'bias': (2,)}, shown='Linear(in_features=3, out_features=2, bias=True)'),
    Row('Linear(3, 2, bias=False)', (5, 4, 3), state={'weight': (2, 3)}, shown='Linear(in_features=3, out_features=2, bias=False)'),
    Row('Bilinear(2, 3, 4)', (5, 2), (5, 3), state={'weight': (4, 2, 3), 'bias': (4,)}, shown='Bilinear(in1_features=2, in2_features=3, out_features=4, bias=True)'),
    Row('Identity()', (2, 3), state={}, shown='Identity()'),
    Row('Flatten()', (2, 3, 4), state={}, shown='Flatten(start_dim=1, end_dim=-1)'),
    Row('Flatten(0, 1)', (2, 3, 4), state={}, shown='Flatten(start_dim=0, end_dim=1)'),
    Row('Unflatten(1, (2, 3))', (4, 6), state={}, shown='Unflatten(dim=1, unflattened_size=(2, 3))'),
    Row('Embedding(5, 3)', ('int', 5, (2, 4)), state={'weight': (5, 3)}, shown='Embedding(5, 3)'),
    Row('Embedding(5, 3, padding_idx=1)', ('int', 5, (2, 4)), state={'weight': (5, 3)}, shown='Embedding(5, 3, padding_idx=1)'),
    Row('Conv1d(2, 4, 3)', (2, 2, 7), state={'weight': (4, 2, 3), 'bias': (4,)}, shown='Conv1d(2, 4, kernel_size=(3,), stride=(1,))'),
    Row('Conv1d(2, 4, 3, stride=2, padding=1, dilation=2, groups=2, bias=False)', (2, 2, 9), state={'weight': (4, 1, 3)}, shown='Conv1d(2, 4, kernel_size=(3,), stride=(2,), padding=(1,), dilation=(2,), groups=2, bias=False)'),
    Row('Conv2d(2, 4, 3)', (2, 2, 5, 6), state={'weight': (4, 2, 3, 3), 'bias': (4,)}, shown='Conv2d(2, 4, kernel_size=(3, 3), stride=(1, 1))'),
    Row("Conv2d(2, 4, (3, 2), stride=(2, 1), padding='valid', groups=2)", (2, 2, 5, 6), state={'weight': (4, 1, 3, 2), 'bias': (4,)}, shown='Conv2d(2, 4, kernel_size=(3, 2), stride=(2, 1), padding=valid, groups=2)'),
    Row("Conv2d(2, 3, 3, padding='same', padding_mode='reflect')", (1, 2, 4, 5), state={'weight': (3, 2, 3, 3), 'bias': (3,)}, shown='Conv2d(2, 3, kernel_size=(3, 3), stride=(1, 1), padding=same, padding_mode=reflect)'),
    Row('ConvTranspose2d(2, 3, 3, stride=2, padding=1, output_padding=1)', (2, 2, 4, 3), state={'weight': (2, 3, 3, 3), 'bias': (3,)}, shown='ConvTranspose2d(2, 3, kernel_size=(3, 3), stride=(2, 2), padding=(1, 1), output_padding=(1, 1))'),
    Row('ConvTranspose2d(4, 4, 2, groups=2, bias=False, dilation=2)', (1, 4, 3, 3), state={'weight': (4, 2, 2, 2)}, shown='ConvTranspose2d(4, 4, kernel_size=(2, 2), stride=(1, 1), dilation=(2, 2), groups=2, bias=False)'),
    Row('BatchNorm1d(3)', (5, 3), state={'weight': (3,), 'bias': (3,), 'running_mean': (3,), 'running_var': (3,), 'num_batches_tracked': ()}, shown='BatchNorm1d(3, eps=1e-05, momentum=0.1, affine=True, bias=True, track_running_stats=True)'),
    Row('BatchNorm1d(3, eps=0.1, momentum=None, affine=False)', (4, 3, 2), state={'running_mean': (3,), 'running_var': (3,), 'num_batches_tracked': ()}, shown='BatchNorm1d(3, eps=0.1, momentum=None, affine=False, bias=False, track_running_stats=True)'),
    Row('BatchNorm2d(3, track_running_stats=False)', (2, 3, 2, 2), state={'weight': (3,), 'bias': (3,)}, shown='BatchNorm2d(3, eps=1e-05, momentum=0.1, affine=True, bias=True, track_running_stats=False)'),
    Row('LayerNorm(4)', (3, 4), state={'weight': (4,), 'bias': (4,)}, shown='LayerNorm((4,), eps=1e-05, elementwise_affine=True, bias=True)'),
    Row('LayerNorm((2, 3), eps=0.1, bias=False)', (4, 2, 3), state={'weight': (2, 3)}, shown='LayerNorm((2, 3), eps=0.1, elementwise_affine=True, bias=False)'),
    Row('LayerNorm(4, elementwise_affine=False)', (3, 4), state={}, shown='LayerNorm((4,), eps=1e-05, elementwise_affine=False, bias=False)'),
    Row('GroupNorm(2, 4)', (3, 4, 2), state={'weight': (4,), 'bias': (4,)}, shown='GroupNorm(2, 4, eps=1e-05, affine=True, bias=True)'),
    Row('GroupNorm(1, 4, affine=False)', (3, 4), state={}, shown='GroupNorm(1, 4, eps=1e-05, affine=False, bias=False)'),
    Row('InstanceNorm1d(3)', (2, 3, 4), state={}, shown='InstanceNorm1d(3, eps=1e-05, momentum=0.1, affine=False, bias=False, track_running_stats=False)'),
    Row('InstanceNorm1d(3, affine=True, track_running_stats=True)', (2, 3, 4), state={'weight': (3,), 'bias': (3,), 'running_mean': (3,), 'running_var': (3,), 'num_batches_tracked': ()}, shown='InstanceNorm1d(3, eps=1e-05, momentum=0.1, affine=True, bias=True, track_running_stats=True)'),
    Row('InstanceNorm2d(3, affine=True)', (2, 3, 2, 2), state={'weight': (3,), 'bias': (3,)}, shown='InstanceNorm2d(3, eps=1e-05, momentum=0.1, affine=True, bias=True, track_running_stats=False)'),
    Row('RMSNorm(4)', (3, 4), state={'weight': (4,)}, shown='RMSNorm((4,), eps=None, elementwise_affine=True)'),
    Row('RMSNorm((2, 3), eps=0.1, elementwise_affine=False)', (4, 2, 3), state={}, shown='RMSNorm((2, 3), eps=0.1, elementwise_affine=False)'),
    Row('AvgPool1d(2)', (2, 3, 6), state={}, shown='AvgPool1d(kernel_size=(2,), stride=(2,), padding=(0,))'),
    Row('AvgPool1d(3, 2, 1, ceil_mode=True, count_include_pad=False)', (2, 3, 6), state={}, shown='AvgPool1d(kernel_size=(3,), stride=(2,), padding=(1,))'),
    Row('AvgPool2d(2)', (2, 3, 4, 4), state={}, shown='AvgPool2d(kernel_size=2, stride=2, padding=0)'),
    Row('AvgPool2d((2, 3), stride=1, padding=1, divisor_override=3)', (2, 3, 4, 4), state={}, shown='AvgPool2d(kernel_size=(2, 3), stride=1, padding=1)'),
    Row('MaxPool1d(2)', (2, 3, 6), state={}, shown='MaxPool1d(kernel_size=2, stride=2, padding=0, dilation=1, ceil_mode=False)'),
    Row('MaxPool1d(3, 2, 1, dilation=2)', (2, 3, 8), state={}, shown='MaxPool1d(kernel_size=3, stride=2, padding=1, dilation=2, ceil_mode=False)'),
    Row('MaxPool2d(2)', (2, 3, 4, 4), state={}, shown='MaxPool2d(kernel_size=2, stride=2, padding=0, dilation=1, ceil_mode=False)'),
    Row('MaxPool2d((2, 3), stride=1, padding=1, ceil_mode=True)', (2, 3, 4, 4), state={}, shown='MaxPool2d(kernel_size=(2, 3), stride=1, padding=1, dilation=1, ceil_mode=True)'),
    Row('AdaptiveAvgPool2d((2, 3))', (2, 3, 4, 5), state={}, shown='AdaptiveAvgPool2d(output_size=(2, 3))'),
    Row('AdaptiveAvgPool2d(1)', (3, 4, 5), state={}, shown='AdaptiveAvgPool2d(output_size=1)'),
    Row('ZeroPad2d(1)', (2, 3, 2, 2), state={}, shown='ZeroPad2d((1, 1, 1, 1))'),
    Row('ZeroPad2d((1, 0, 2, 1))', (2, 3, 2, 2), state={}, shown='ZeroPad2d((1, 0, 2, 1))'),
    Row('ConstantPad2d((1, 2, 0, 1), 3.5)', (2, 2, 2), state={}, shown='ConstantPad2d(padding=(1, 2, 0, 1), value=3.5)'),
    Row('Dropout(0.3)', (4, 5), state={}, shown='Dropout(p=0.3, inplace=False)'),
    Row('ReLU()', (4, 3), state={}, shown='ReLU()'),
    Row('ReLU6()', (4, 3), state={}, shown='ReLU6()'),
    Row('LeakyReLU()', (4, 3), state={}, shown='LeakyReLU(negative_slope=0.01)'),
    Row('LeakyReLU(0.3)', (4, 3), state={}, shown='LeakyReLU(negative_slope=0.3)'),
    Row('PReLU()', (4, 3), state={'weight': (1,)}, shown='PReLU(num_parameters=1)'),
    Row('PReLU(3, 0.1)', (4, 3), state={'weight': (3,)}, shown='PReLU(num_parameters=3)'),
    Row('ELU()', (4, 3), state={}, shown='ELU(alpha=1.0)'),
    Row('ELU(0.5)', (4, 3), state={}, shown='ELU(alpha=0.5)'),
    Row('CELU(0.5)', (4, 3), state={}, shown='CELU(alpha=0.5)'),
    Row('SELU()', (4, 3), state={}, shown='SELU()'),
    Row('GELU()', (4, 3), state={}, shown="GELU(approximate='none')"),
    Row("GELU('tanh')", (4, 3), state={}, shown="GELU(approximate='tanh')"),
    Row('SiLU()', (4, 3), state={}, shown='SiLU()'),
    Row('Mish()', (4, 3), state={}, shown='Mish()'),
    Row('Softplus()', (4, 3), state={}, shown='Softplus(beta=1.0, threshold=20.0)'),
    Row('Softplus(2.0, 1.0)', (4, 3), state={}, shown='Softplus(beta=2.0, threshold=1.0)'),
    Row('Softsign()', (4, 3), state={}, shown='Softsign()'),
    Row('LogSigmoid()', (4, 3), state={}, shown='LogSigmoid()'),
    Row('GLU()', (3, 4), state={}, shown='GLU(dim=-1)'),
    Row('GLU(0)', (4, 3), state={}, shown='GLU(dim=0)'),
    Row('Hardtanh()', (4, 3), state={}, shown='Hardtanh(min_val=-1.0, max_val=1.0)'),
    Row('Hardtanh(-0.5, 2.0)', (4, 3), state={}, shown='Hardtanh(min_val=-0.5, max_val=2.0)'),
    Row('Hardsigmoid()', (4, 3), state={}, shown='Hardsigmoid()'),
    Row('Hardswish()', (4, 3), state={}, shown='Hardswish()'),
    Row('Softshrink()', (4, 3), state={}, shown='Softshrink(0.5)'),
    Row('Softshrink(0.2)', (4, 3), state={}, shown='Softshrink(0.2)'),
    Row('Hardshrink()', (4, 3), state={}, shown='Hardshrink(0.5)'),
    Row('Tanhshrink()', (4, 3), state={}, shown='Tanhshrink()'),
    Row('Threshold(0.1, 20.0)', (4, 3), state={}, shown='Threshold(threshold=0.1, value=20.0)'),
    Row('Softmin(1)', (4, 3), state={}, shown='Softmin(dim=1)'),
    Row('Softmax(1)', (4, 3), state={}, shown='Softmax(dim=1)'),
    Row('LogSoftmax(-1)', (4, 3), state={}, shown='LogSoftmax(dim=-1)'),
    Row('Sigmoid()', (4, 3), state={}, shown='Sigmoid()'),
    Row('Tanh()', (4, 3), state={}, shown='Tanh()'),
    Row('CrossEntropyLoss()', (5, 3), ('int', 3, (5,)), state={}, shown='CrossEntropyLoss()'),
    Row("CrossEntropyLoss(label_smoothing=0.1, reduction='sum')", (5, 3), ('int', 3, (5,)), state={}, shown='CrossEntropyLoss()'),
    Row('NLLLoss()', (5, 3), ('int', 3, (5,)), state={}, shown='NLLLoss()'),
    Row('BCELoss()', ('prob', (4, 3)), ('prob', (4, 3)), state={}, shown='BCELoss()'),
    Row('BCEWithLogitsLoss()', (4, 3), ('prob', (4, 3)), state={}, shown='BCEWithLogitsLoss()'),
    Row('MSELoss()', (4, 3), (4, 3), state={}, shown='MSELoss()'),
    Row("MSELoss(reduction='none')", (4, 3), (4, 3), state={}, shown='MSELoss()'),
    Row('L1Loss()', (4, 3), (4, 3), state={}, shown='L1Loss()'),
    Row('HuberLoss()', (4, 3), (4, 3), state={}, shown='HuberLoss()'),
    Row('HuberLoss(delta=0.5)', (4, 3), (4, 3), state={}, shown='HuberLoss()'),
    Row('SmoothL1Loss(beta=0.5)', (4, 3), (4, 3), state={}, shown='SmoothL1Loss()'),
    Row("KLDivLoss(reduction='batchmean')", (4, 3), ('prob', (4, 3)), state={}, shown='KLDivLoss()'),
    Row('KLDivLoss(log_target=True)', (4, 3), (4, 3), state={}, shown='KLDivLoss()'),
    Row('HingeEmbeddingLoss(margin=0.7)', (4, 3), ('sign', (4, 3)), state={}, shown='HingeEmbeddingLoss()'),
    Row('MarginRankingLoss(margin=0.2)', (4,), (4,), ('sign', (4,)), state={}, shown='MarginRankingLoss()'),
    Row('SoftMarginLoss()', (4, 3), ('sign', (4, 3)), state={}, shown='SoftMarginLoss()'),
    Row('CosineEmbeddingLoss(margin=0.1)', (4, 3), (4, 3), ('sign', (4,)), state={}, shown='CosineEmbeddingLoss()'),
    Row('GaussianNLLLoss(full=True)', (4, 3), (4, 3), ('prob', (4, 3)), state={}, shown='GaussianNLLLoss()'),
    Row('PoissonNLLLoss(full=True)', (4, 3), ('pos', (4, 3)), state={}, shown='PoissonNLLLoss()'),
    Row('PoissonNLLLoss(log_input=False)', ('prob', (4, 3)), ('pos', (4, 3)), state={}, shown='PoissonNLLLoss()'),
    Row('CosineSimilarity()', (3, 4), (3, 4), state={}, shown='CosineSimilarity()'),
    Row('PairwiseDistance()', (3, 4), (3, 4), state={}, shown='PairwiseDistance()'),
    Row('MultiheadAttention(4, 2)', (3, 2, 4), (5, 2, 4), (5, 2, 4), state={'in_proj_weight': (12, 4), 'in_proj_bias': (12,), 'out_proj.weight': (4, 4), 'out_proj.bias': (4,)}, shown='MultiheadAttention(\n  (out_proj): Linear(in_features=4, out_features=4, bias=True)\n)'),
    Row('MultiheadAttention(4, 2, bias=False, add_zero_attn=True, kdim=3, vdim=2, batch_first=True)', (2, 3, 4), (2, 5, 3), (2, 5, 2), state={'q_proj_weight': (4, 4), 'k_proj_weight': (4, 3), 'v_proj_weight': (4, 2), 'out_proj.weight': (4, 4)}, shown='MultiheadAttention(\n  (out_proj): Linear(in_features=4, out_features=4, bias=False)\n)'),
    Row('MultiheadAttention(4, 1, add_bias_kv=True)', (3, 4), (5, 4), (5, 4), state={'in_proj_weight': (12, 4), 'in_proj_bias': (12,), 'bias_k': (1, 1, 4), 'bias_v': (1, 1, 4), 'out_proj.weight': (4, 4), 'out_proj.bias': (4,)}, shown='MultiheadAttention(\n  (out_proj): Linear(in_features=4, out_features=4, bias=True)\n)'),
    Row('RNNCell(3, 4)', (2, 3), state={'weight_ih': (4, 3), 'weight_hh': (4, 4), 'bias_ih': (4,), 'bias_hh': (4,)}, shown='RNNCell(3, 4)'),
    Row("RNNCell(3, 4, bias=False, nonlinearity='relu')", (3,), (4,), state={'weight_ih': (4, 3), 'weight_hh': (4, 4)}, shown='RNNCell(3, 4, bias=False, nonlinearity=relu)'),
    Row('LSTMCell(3, 4)', (2, 3), state={'weight_ih': (16, 3), 'weight_hh': (16, 4), 'bias_ih': (16,), 'bias_hh': (16,)}, shown='LSTMCell(3, 4)'),
    Row('GRUCell(3, 4)', (2, 3), (2, 4), state={'weight_ih': (12, 3), 'weight_hh': (12, 4), 'bias_ih': (12,), 'bias_hh': (12,)}, shown='GRUCell(3, 4)'),
    Row('RNN(3, 4)', (5, 2, 3), state={'weight_ih_l0': (4, 3), 'weight_hh_l0': (4, 4), 'bias_ih_l0': (4,), 'bias_hh_l0': (4,)}, shown='RNN(3, 4)'),
    Row("RNN(3, 4, 2, nonlinearity='relu', batch_first=True, bidirectional=True)", (2, 5, 3), state={'weight_ih_l0': (4, 3), 'weight_hh_l0': (4, 4), 'bias_ih_l0': (4,), 'bias_hh_l0': (4,), 'weight_ih_l0_reverse': (4, 3), 'weight_hh_l0_reverse': (4, 4), 'bias_ih_l0_reverse': (4,), 'bias_hh_l0_reverse': (4,), 'weight_ih_l1': (4, 8), 'weight_hh_l1': (4, 4), 'bias_ih_l1': (4,), 'bias_hh_l1': (4,), 'weight_ih_l1_reverse': (4, 8), 'weight_hh_l1_reverse': (4, 4), 'bias_ih_l1_reverse': (4,), 'bias_hh_l1_reverse': (4,)}, shown='RNN(3, 4, num_layers=2, batch_first=True, bidirectional=True)'),
    Row('LSTM(3, 4, 2, bidirectional=True)', (3, 2, 3), state={'weight_ih_l0': (16, 3), 'weight_hh_l0': (16, 4), 'bias_ih_l0': (16,), 'bias_hh_l0': (16,), 'weight_ih_l0_reverse': (16, 3), 'weight_hh_l0_reverse': (16, 4), 'bias_ih_l0_reverse': (16,), 'bias_hh_l0_reverse': (16,), 'weight_ih_l1': (16, 8), 'weight_hh_l1': (16, 4), 'bias_ih_l1': (16,), 'bias_hh_l1': (16,), 'weight_ih_l1_reverse': (16, 8), 'weight_hh_l1_reverse': (16, 4), 'bias_ih_l1_reverse': (16,), 'bias_hh_l1_reverse': (16,)}, shown='LSTM(3, 4, num_layers=2, bidirectional=True)'),
    Row('LSTM(3, 4, bias=False)', (3, 3), state={'weight_ih_l0': (16, 3), 'weight_hh_l0': (16, 4)}, shown='LSTM(3, 4, bias=False)'),
    Row('GRU(3, 4, batch_first=True)', (2, 3, 3), state={'weight_ih_l0': (12, 3), 'weight_hh_l0': (12, 4), 'bias_ih_l0': (12,), 'bias_hh_l0': (12,)}, shown='GRU(3, 4, batch_first=True)'),
    Row('GRU(3, 4, num_layers=2, dropout=0.0)', (3, 2, 3), (2, 2, 4), state={'weight_ih_l0': (12, 3), 'weight_hh_l0': (12, 4), 'bias_ih_l0': (12,), 'bias_hh_l0': (12,), 'weight_ih_l1': (12, 4), 'weight_hh_l1': (12, 4), 'bias_ih_l1': (12,), 'bias_hh_l1': (12,)}, shown='GRU(3, 4, num_layers=2)'),
]
# fmt: on
