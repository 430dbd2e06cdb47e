package dev.sandlot.control;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.UUID;
import org.junit.jupiter.api.Test;

/** 3.1: public project IDs, TypeID style. */
class ProjectIdsTest {
    /** The vectors of the TypeID specification. */
    @Test
    void theEncodingIsTheOneOfTypeIds() {
        assertThat(ProjectIds.text(UUID.fromString("01890a5d-ac96-774b-bcce-b302099a8057")))
                .isEqualTo("prj_01h455vb4pex5vsknk084sn02q");
        assertThat(ProjectIds.text(new UUID(0, 0))).isEqualTo("prj_00000000000000000000000000");
        assertThat(ProjectIds.text(new UUID(-1, -1))).isEqualTo("prj_7zzzzzzzzzzzzzzzzzzzzzzzzz");
    }

    @Test
    void everyTeamIsReadAsItWasWritten() {
        for (int i = 0; i < 1000; i++) {
            UUID team = UUID.randomUUID();
            assertThat(ProjectIds.parse(ProjectIds.text(team))).contains(team);
            assertThat(ProjectIds.parse(team.toString())).contains(team);
        }
    }

    @Test
    void whatIsNoneIsRefused() {
        for (String bad : new String[] {
            "",
            "prj_",
            "prj_01h455vb4pex5vsknk084sn02",
            "prj_01h455vb4pex5vsknk084sn02qq",
            "prj_81h455vb4pex5vsknk084sn02q",
            "prj_01h455vb4pex5vsknk084sn02i",
            "prj_01H455VB4PEX5VSKNK084SN02Q",
            "prj_01890a5d-ac96-774b-bcce-b302099a8057",
            "sec_01h455vb4pex5vsknk084sn02q",
            "01h455vb4pex5vsknk084sn02q"
        }) {
            assertThat(ProjectIds.parse(bad)).as(bad).isEmpty();
        }
    }
}
