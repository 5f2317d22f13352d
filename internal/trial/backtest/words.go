package backtest

// words are the texts of the page, in one language.
type words struct {
	Lang, Title, Sub                                                                               string
	Readings, Datastreams, Hours, EventsN                                                          string
	Summary, Detector, Events, Found, FoundNew, Missed, False                                      string
	POD, FAR, CSI, POFD, Bias, HK, Lead, LeadTenth, PerOperatorHour, FalsePer1000h, Interval95     string
	Timeline, Truth, Alerts, MissedEvent, FoundEvent                                               string
	Leads, LeadAxis, OnsetLine, Median, Tenth, NoLeads                                             string
	Load, LoadAxis, Target, Limit, Position, Alarms, Per10, PerHour, PerDay, Largest               string
	OverPeriods, Floods, TopShare, Chattering, Fleeting, Stale, Split, Busiest, Sources, Source    string
	Reliability, Said, Happened, CameTrue, Model, Forecasts, Brier, Climate, Skill, Perfect, Count string
	EventTable, Event, Start, End, By, LeadTime, Yes, No, Stood                                    string
	AlertTable, From, To, Level, Where, Verdict                                                    string
	RuleTitle, Rule, Notes, Standards                                                              string
	Levels, Verdicts, Maturities                                                                   map[string]string
}

func wordsIn(lang string) words {
	if lang == "zh-CN" {
		return words{
			Lang: "zh-CN", Title: "回测报告", Sub: "告警规则在历史数据上的检验",
			Readings: "条监测数据", Datastreams: "条数据流", Hours: "小时", EventsN: "个事件",
			Summary: "检验结果", Detector: "告警规则", Events: "事件", Found: "命中", FoundNew: "新告警命中", Missed: "漏报", False: "误报",
			POD: "命中率 POD", FAR: "空报率 FAR", CSI: "临界成功指数 CSI", POFD: "误检率 POFD", Bias: "偏差", HK: "HK 评分", Lead: "提前量（中位）", LeadTenth: "提前量（10 %）",
			PerOperatorHour: "告警/岗位小时", FalsePer1000h: "误报/千小时", Interval95: "95 % 区间",
			Timeline: "时间线", Truth: "实况事件", Alerts: "告警", MissedEvent: "漏报的事件", FoundEvent: "命中的事件",
			Leads: "提前量分布", LeadAxis: "提前量（小时）", OnsetLine: "开始致害", Median: "中位", Tenth: "10 %", NoLeads: "没有由新告警命中的事件",
			Load: "告警负荷", LoadAxis: "每小时告警数", Target: "目标 6", Limit: "上限 12", Position: "值班岗位", Alarms: "告警总数", Per10: "每10分钟", PerHour: "每小时", PerDay: "每天", Largest: "10分钟最多",
			OverPeriods: "超过10个的时段", Floods: "告警洪水", TopShare: "前十来源占比", Chattering: "抖动来源", Fleeting: "瞬时告警", Stale: "超24小时未恢复", Split: "低/中/高优先级", Busiest: "每格为其中最忙的一小时，格宽（小时）：", Sources: "最频繁的来源", Source: "来源",
			Reliability: "概率预报的可靠性", Said: "预报概率", Happened: "实际发生频率", CameTrue: "发生次数", Model: "模型", Forecasts: "预报数", Brier: "Brier 评分", Climate: "气候 Brier", Skill: "技巧评分", Perfect: "完全可靠", Count: "次数",
			EventTable: "逐个事件", Event: "事件", Start: "开始", End: "结束", By: "首个告警", LeadTime: "提前量", Yes: "命中", No: "漏报", Stood: "此前已存在，或事件早于数据",
			AlertTable: "逐个告警", From: "产生", To: "持续至", Level: "级别", Where: "点位", Verdict: "判定",
			RuleTitle: "判定规则",
			Rule:      "告警涉及事件的点位或设施，且在事件开始前 %s 至结束后 %s 之间成立，即归于该事件；仅在结束后 %s 内成立的不算误报；同一来源间隔不足 %s 的告警合并为一次。提前量从首个新告警算到开始致害，负数表示晚于致害。平静时段按 %s 计数。",
			Notes:     "说明", Standards: "指标定义：WMO-No. 1132、美国气象学会术语表；告警负荷：ISA-18.2、EEMUA 191；区间：Wilson 1927。",
			Levels:     map[string]string{"none": "监测", "blue": "蓝色", "yellow": "黄色", "orange": "橙色", "red": "红色"},
			Verdicts:   map[string]string{"hit": "命中", "repeated": "重复", "lingering": "余波", "false": "误报"},
			Maturities: map[string]string{"stable": "稳定", "trial": "试用", "draft": "草案"},
		}
	}
	return words{
		Lang: "en", Title: "Backtest", Sub: "How the detectors would have done in the past",
		Readings: "readings", Datastreams: "datastreams", Hours: "hours", EventsN: "events",
		Summary: "Results", Detector: "Detector", Events: "Events", Found: "Found", FoundNew: "By a new alert", Missed: "Missed", False: "False",
		POD: "POD", FAR: "FAR", CSI: "CSI", POFD: "POFD", Bias: "Bias", HK: "HK", Lead: "Lead, median", LeadTenth: "Lead, 10 %",
		PerOperatorHour: "Alarms per operator-hour", FalsePer1000h: "False per 1,000 h", Interval95: "95 % interval",
		Timeline: "Timeline", Truth: "Events", Alerts: "Alerts", MissedEvent: "missed event", FoundEvent: "found event",
		Leads: "Lead times", LeadAxis: "hours of lead", OnsetLine: "onset", Median: "median", Tenth: "10 %", NoLeads: "No event was found by an alert that was raised for it.",
		Load: "Alarm load", LoadAxis: "alarms in an hour", Target: "target 6", Limit: "limit 12", Position: "Operating position", Alarms: "Alarms", Per10: "Per 10 min", PerHour: "Per hour", PerDay: "Per day", Largest: "Most in 10 min",
		OverPeriods: "Periods over 10", Floods: "Floods", TopShare: "Top 10 sources", Chattering: "Chattering", Fleeting: "Fleeting", Stale: "Stale (24 h)", Split: "Low/medium/high", Busiest: "Each bar is the busiest hour of so many:", Sources: "Most frequent sources", Source: "Source",
		Reliability: "Reliability of probabilities", Said: "probability said", Happened: "how often it came", CameTrue: "Came true", Model: "Model", Forecasts: "Forecasts", Brier: "Brier score", Climate: "Brier of the frequency", Skill: "Skill", Perfect: "perfectly reliable", Count: "Number",
		EventTable: "Event by event", Event: "Event", Start: "Start", End: "End", By: "First alert", LeadTime: "Lead", Yes: "found", No: "missed", Stood: "stood already, or the event had begun before the readings",
		AlertTable: "Alert by alert", From: "Raised", To: "Stood until", Level: "Level", Where: "Where", Verdict: "Verdict",
		RuleTitle: "Rule",
		Rule:      "An alert belongs to an event if it names its place or asset and stood at some time from %s before its start to %s after its end. One that stood only within %s after the end is not counted as false. Alerts of one source less than %s apart are one. Lead is from the first new alert to the onset; a negative one came after it. Quiet times are counted in intervals of %s.",
		Notes:     "Notes", Standards: "Scores after WMO-No. 1132 and the AMS glossary; alarm load after ISA-18.2 and EEMUA 191; intervals after Wilson 1927.",
		Levels:     map[string]string{"none": "watch", "blue": "blue", "yellow": "yellow", "orange": "orange", "red": "red"},
		Verdicts:   map[string]string{"hit": "hit", "repeated": "repeated", "lingering": "lingering", "false": "false"},
		Maturities: map[string]string{"stable": "stable", "trial": "trial", "draft": "draft"},
	}
}
