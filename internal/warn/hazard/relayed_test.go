package hazard

import "testing"

// A headline is another service's however it is spelt; one about water in the streets is ours, whatever the weather did.
func TestHeadlinesOfOtherServices(t *testing.T) {
	book, err := Bind(nil, shipped(t))
	if err != nil {
		t.Fatal(err)
	}
	for headline, service := range map[string]string{
		"台风一级预警": "weather", "气象台：暴雨Ⅱ级预警": "weather", "台风蓝色信号": "weather", "暴 雨 橙 色 预 警": "weather", "暴\u200b雨橙色预警": "weather",
		"發佈暴雨橙色預警": "weather", "颱風紅色預警信號": "weather", "高温天气预警": "weather", "强对流橙色预警": "weather", "低温雨雪冰冻橙色预警": "weather",
		"港区橙色预警：暴雨": "weather", "橙色暴雨预警": "weather", "八号台风信号": "weather", "台风8号信号": "weather", "暴·雨—橙色预警": "weather", "暴雨紅色警戒": "weather",
		"暴雨气象灾害橙色预警": "weather", "大雾（黄色）预警": "weather", "海啸警报": "marine", "地震预警": "seismology",
		"Red alert for rainstorm": "weather", "Torrential rain warning": "weather", "Typhoon signal No. 8": "weather", "Warning: rainstorm": "weather",
		"ＲＡＩＮＳＴＯＲＭ orange warning": "weather", "Rain\u00adstorm warning": "weather", "Rainstorm, level II, warning": "weather", "The weather service issues an orange alert for heavy rain in Harbour": "weather",
		"暴雨、内涝橙色预警": "weather", "暴雨和城市内涝橙色预警": "weather", "港区暴雨（东部）橙色预警": "weather", "暴雨持续，橙色预警": "weather", "橙色预警：暴雨、内涝": "weather",
		"因强降雨发布暴雨橙色预警，请注意防范": "weather", "受台风影响，港区暴雨橙色预警": "weather", "受台风影响暴雨橙色预警，请注意防范": "weather", "因暴雨橙色预警": "weather",
		"因暴雨橙色预警，港区大风黄色预警":              "weather",
		"R\u0430instorm orange warning": "weather", "Rainstorm and waterlogging orange warning": "weather", "Heavy rain, flood: red alert": "weather", "After the rain: rainstorm warning": "weather",
		"Rain storm red alert": "weather", "Warning of a tsunami": "marine", "Earthquake alert": "seismology",

		"暴雨引发城市内涝橙色预警": "", "港区城市内涝橙色预警：暴雨致部分道路积水": "", "港区洪水橙色预警：暴雨": "", "受台风影响，港区大面积停电红色预警": "", "因暴雨，港区部分道路积水": "",
		"港区城市内涝橙色预警：部分道路积水": "", "港区重污染天气红色预警": "", "重污染天气橙色预警：预计将出现重污染过程": "", "暴雨洪水黄色预警：请远离河道": "", "港区洪水橙色预警（一级）": "", "高温管道破裂，供热中断橙色预警": "",
		"因暴雨橙色预警，港区地铁停运": "", "受市气象台发布的暴雨橙色预警影响，港区地铁停运": "", "因市气象台发布台风红色预警，轮渡停航橙色预警": "", "地铁停运：因暴雨橙色预警": "",
		"暴雨、内涝致港区地下空间进水，橙色预警": "", "受暴雨和上游来水影响，橙色预警：洪水": "", "高温和用电激增引发停电黄色预警": "", "Metro closed because of the rainstorm orange warning": "", "Ferries stop after the weather service's typhoon signal No. 8": "",
		"Heavy rain and full drains: waterlogging, orange level": "",
		"Flood warning: heavy rain upstream":                     "", "Urban waterlogging, orange level, in Harbour after the rainstorm": "", "River flood, orange level: heavy rain, water rising fast": "",
		"Waterlogging warning for Harbour; the rainstorm goes on": "", "Warning: heavy rain has filled the underpasses": "", "Heating outage, red level, in cold Harbour": "", "Large fire, red alert: strong winds, keep away": "",
	} {
		if _, got, _ := book.PosesAs(headline); got != service {
			t.Errorf("%q is taken as a headline of %q, want %q", headline, got, service)
		}
	}
}

// A description may speak of another service's warning, and not be it.
func TestDescriptionsThatIssueForOtherServices(t *testing.T) {
	book, err := Bind(nil, shipped(t))
	if err != nil {
		t.Fatal(err)
	}
	for text, service := range map[string]string{
		"市气象台发布暴雨橙色预警信号": "weather", "部分道路积水。市气象台发布暴雨橙色预警信号。": "weather", "现发布台风红色预警。": "weather", "将暴雨黄色预警升级为暴雨橙色预警。": "weather", "港区暴雨橙色预警：未来3小时雨势加强。": "weather",
		"【暴雨橙色预警】请注意防范。": "weather", "發佈暴\u200b雨橙色預警。": "weather", "道路积水。\n橙色预警：暴雨。": "weather", "本站发布海啸警报。": "marine",
		"The weather service issues a red rainstorm warning.": "weather", "Streets are flooded. Rainstorm orange warning: stay in.": "weather", "We hereby raise the typhoon signal No. 8.": "weather",
		"An orange rainstorm warning is issued for Harbour.": "weather", "Red alert for rainstorm.": "weather",

		"受暴雨影响，港区部分道路积水。": "", "市气象台已发布暴雨橙色预警信号，低洼处积水可能加深。": "", "据市气象台发布的暴雨橙色预警，雨势仍将持续。": "", "如市气象台发布暴雨红色预警，请停止外出。": "", "请留意气象部门发布的暴雨预警信息。": "",
		"目前暴雨橙色预警生效，排水能力不足。": "", "因暴雨橙色预警，地铁停运。": "", "本预警有效至8时，如有变化将及时更新或解除。": "", "暴雨引发内涝，发布城市内涝橙色预警。": "",
		"According to the weather service's rainstorm warning, it will rain on.": "", "The weather service has issued an orange rainstorm warning.": "", "If a rainstorm warning is issued, stay in.": "",
		"Heavy rain has put streets under water. This warning holds until 8.": "", "Because of the typhoon warning, ferries do not run.": "", "Follow the typhoon signal of the weather service.": "",
	} {
		if _, got, _ := book.Announces(text); got != service {
			t.Errorf("%q is taken to issue for %q, want %q", text, got, service)
		}
	}
}
