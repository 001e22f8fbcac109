"""The Chinese of the lab: {English sentence or template: Chinese}, one table for everything."""

TABLE = {
    # verdicts
    "holds": "成立",
    "holds with a limit": "有条件地成立",
    "does not hold": "不成立",
    "undecided": "未定",
    "Confirmed: {facts}.": "已证实：{facts}。",
}
